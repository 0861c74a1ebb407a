// SPDX-License-Identifier: Apache-2.0
// The screenshots in docs/images are up to date: the mock's showcase looks the same. UPDATE_SCREENSHOTS=1 takes them
// again.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';

import { charted, drawn, launch, mock, need, nextFrame, openPage, publish } from './harness.mjs';
import { SHOWCASE } from '../mock/state.mjs';

const { PNG } = need('pngjs');
const { default: pixelmatch } = await import(need.resolve('pixelmatch'));

const FOLDER = new URL('../../../docs/images/', import.meta.url);
const UPDATE = process.env.UPDATE_SCREENSHOTS === '1';
// A changed word differs in some hundred pixels. Another version of the browser or of the system's font library smooths
// edges differently: then only larger differences count.
const TOLERATED = 0.0004;
const TOLERATED_ELSEWHERE = 0.03;
const TAKEN_WITH = new URL('page-taken-with.txt', FOLDER);

const PICTURES = {
  'page-desktop': { viewport: { width: 1440, height: 960 }, colorScheme: 'light' },
  'page-dark': { viewport: { width: 1440, height: 960 }, colorScheme: 'dark' },
  'page-detail': { viewport: { width: 1440, height: 1180 }, colorScheme: 'light', at: '[aria-labelledby="heatmap-title"]' },
  'page-phone': { viewport: { width: 360, height: 1500 }, colorScheme: 'light' },
};

let browser;
let tolerated = TOLERATED;
before(async () => {
  browser = await launch();
  const system = Object.fromEntries(fs.readFileSync('/etc/os-release', 'utf8').split('\n').map((line) => line.split('=')));
  const here = `Chromium ${browser.version()} on ${system.ID} ${system.VERSION_ID?.replaceAll('"', '')}`;
  if (UPDATE) fs.writeFileSync(TAKEN_WITH, `${here}\n`);
  const there = fs.readFileSync(TAKEN_WITH, 'utf8').trim();
  if (here !== there) {
    tolerated = TOLERATED_ELSEWHERE;
    console.log(`the screenshots were taken with ${there}, this is ${here}: small differences are ignored`);
  }
});
after(async () => { await browser?.close(); });

// The page's clock stands still, so that it shows the same however long this takes.
async function draw({ viewport, colorScheme, at }, change = () => {}) {
  const daemon = await mock(SHOWCASE);
  const { page, guard, close } = await openPage(browser, daemon.url, { viewport, colorScheme, reducedMotion: 'reduce', fixedTime: daemon.state.status.time * 1000 });
  await drawn(page);
  await charted(page);
  for (let i = 0; i < 3; ++i) await publish(page, daemon);
  await page.evaluate(() => document.fonts.ready);
  if (at) {
    await page.evaluate((selector) => {
      document.querySelector(selector).scrollIntoView({ block: 'start' });
    }, at);
  }
  await page.evaluate(change);
  await nextFrame(page);
  const picture = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  guard.clean();
  await close();
  await daemon.stop();
  return picture;
}

// Proportion of the pixels that differ; 1 when the sizes differ.
function difference(one, other) {
  const [a, b] = [PNG.sync.read(one), PNG.sync.read(other)];
  if (a.width !== b.width || a.height !== b.height) return 1;
  return pixelmatch(a.data, b.data, null, a.width, a.height, { threshold: 0.15 }) / (a.width * a.height);
}

for (const [name, picture] of Object.entries(PICTURES)) {
  test(`${name}.png is up to date`, async () => {
    const file = new URL(`${name}.png`, FOLDER);
    const now = await draw(picture);
    if (UPDATE) {
      // A screenshot that shows the same is left alone, byte for byte.
      if (!fs.existsSync(file) || difference(fs.readFileSync(file), now) > TOLERATED / 4) fs.writeFileSync(file, now);
      return;
    }
    assert.ok(fs.existsSync(file), `docs/images/${name}.png is missing: run UPDATE_SCREENSHOTS=1 tests/web/run screenshots`);
    const differs = difference(fs.readFileSync(file), now);
    if (differs > tolerated) {
      const kept = `${process.env.RCACHED_WEB_MODULES}/${name}.png`;
      fs.writeFileSync(kept, now);
      assert.fail(`docs/images/${name}.png is out of date (${(100 * differs).toFixed(2)} % of the pixels differ): look at ${kept}, then run UPDATE_SCREENSHOTS=1 tests/web/run screenshots`);
    }
  });
}

test('the same state gives the same screenshot, a changed word a different one', async () => {
  const once = await draw(PICTURES['page-desktop']);
  assert.ok(difference(once, await draw(PICTURES['page-desktop'])) <= TOLERATED / 4);
  const changed = await draw(PICTURES['page-desktop'], () => { document.getElementById('domains-title').textContent = 'Balances'; });
  assert.ok(difference(once, changed) > 0);
  const other = await draw(PICTURES['page-desktop'], () => { document.querySelector('.tile .answer-words').textContent = 'Perhaps, who knows'; });
  assert.ok(difference(once, other) > TOLERATED, 'a changed answer is seen');
});
