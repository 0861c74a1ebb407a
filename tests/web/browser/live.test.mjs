// SPDX-License-Identifier: Apache-2.0
// The page against a daemon: the synthetic one with 64 domains and 256 CPUs, or the one at RCACHED_WEB_URL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Reader, drawn, get, launch, openPage, startDaemon } from './harness.mjs';
import { compareWithApi } from './numbers.mjs';
import { keysOf } from './shape.mjs';
import { makeState } from '../mock/state.mjs';

let browser;
let daemon;
let url;

before(async () => {
  browser = await launch();
  if (process.env.RCACHED_WEB_URL) {
    url = process.env.RCACHED_WEB_URL.replace(/\/?$/, '/');
  } else {
    daemon = await startDaemon({ domains: 64, cpus: 256, rate: 20000 });
    url = daemon.url;
  }
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

const snapshotOf = (page) => page.evaluate(() => document.documentElement.dataset.snapshot);

test('first paint within a second, and nothing asked elsewhere', async () => {
  const paints = [];
  for (let i = 0; i < 3; ++i) {
    const { page, guard, close } = await openPage(browser, url);
    await drawn(page);
    paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
    guard.clean();
    await close();
  }
  console.log(`first-contentful-paint after ${paints.map((p) => p.toFixed(0)).join(', ')} ms`);
  assert.ok(paints.sort((a, b) => a - b)[1] < 1000, 'the median of three');
});

test('numbers are the API\'s, snapshot for snapshot', async () => {
  const { page, guard, close } = await openPage(browser, url);
  await drawn(page);
  const label = await page.evaluate(() => document.querySelector('.row[data-selected]').dataset.domain);
  const reader = new Reader(url, label);
  await page.evaluate(() => { document.querySelector('[aria-labelledby="heatmap-title"] details').open = true; });
  for (let round = 0; round < 2; ++round) {
    const before = await snapshotOf(page);
    await page.waitForFunction((id) => Number(document.documentElement.dataset.snapshot) > Number(id) + 1, before, { timeout: 90_000 });
    await drawn(page);
    await page.click('#pause');
    await page.waitForFunction(() => document.documentElement.dataset.link === 'paused');
    const compared = await compareWithApi(page, (name, id) => reader.event(name, id));
    console.log(`compared snapshot ${await snapshotOf(page)}: ${compared.domains} domains, ${compared.cpus} CPUs`);
    const frozen = await snapshotOf(page);
    await reader.event('snapshot', String(Number(frozen) + 2));
    assert.equal(await snapshotOf(page), frozen, 'a paused page stands still');
    await page.click('#pause');
  }
  reader.close();
  guard.clean();
  await close();
});

test('updates arrive, and another domain brings its own', async () => {
  const { page, guard, close } = await openPage(browser, url);
  await drawn(page);
  const seen = new Set();
  for (let i = 0; i < 3; ++i) {
    const id = await snapshotOf(page);
    seen.add(id);
    await page.waitForFunction((last) => document.documentElement.dataset.snapshot !== last, id, { timeout: 90_000 });
  }
  assert.equal(seen.size, 3);
  const labels = await page.evaluate(() => [...document.querySelectorAll('.row[data-domain]')].map((r) => r.dataset.domain));
  const other = labels.at(-1);
  await page.locator(`.name[data-label="${other}"]`).click();
  await page.waitForFunction((label) => document.getElementById('detail-title').textContent === `Domain ${label}`, other);
  assert.equal(new URL(page.url()).hash, `#domain=${encodeURIComponent(other)}`);
  guard.clean();
  await close();
});

test('charts hold the history that the daemon has', async () => {
  const { page, guard, close } = await openPage(browser, url);
  await drawn(page);
  const label = await page.evaluate(() => document.querySelector('.row[data-selected]').dataset.domain);
  const history = JSON.parse((await get(`${url}api/v1/domains/${encodeURIComponent(label)}/history`)).body);
  if (history.tree.length > 0) {
    await page.waitForSelector('[data-chart="tree"] canvas');
    const text = await page.getAttribute('[data-chart="tree"] .chart', 'aria-label');
    assert.match(text, /tree now [\d,]+, lowest [\d,]+, highest [\d,]+/);
  } else {
    assert.match(await page.textContent('[aria-labelledby="history-title"]'), /No history yet/);
  }
  guard.clean();
  await close();
});

test('the live page, its assets and the plain page are served as they should be', async () => {
  const page = await get(url);
  assert.equal(page.headers['cache-control'], 'no-store');
  assert.match(page.headers['content-security-policy'], /^default-src 'none'; script-src 'self'; /);
  for (const [, asset] of page.body.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
    const answer = await get(new URL(asset, url).href);
    assert.equal(answer.status, 200, asset);
    assert.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable');
  }
  assert.match((await get(`${url}plain`)).body, /<table>/);
  assert.match(page.body, /<noscript>.*href="\/plain"/s);
});

test('the mock speaks the same language', { skip: process.env.RCACHED_WEB_URL ? 'an outside daemon may lack parts' : false }, async () => {
  const body = async (path) => JSON.parse((await get(`${url}api/v1/${path}`)).body);
  const state = makeState({ domains: 3, cpus: 8, kinds: ['saturated', 'lossy', 'steady'] });
  const label = [...state.details.keys()][0];
  const first = (await body('domains')).domains[0].domain;
  const pairs = { domains: [await body('domains'), state.domains], status: [await body('status'), state.status], notes: [await body('notes'), state.notes],
    domain: [await body(`domains/${first}`), state.details.get(label)], history: [await body(`domains/${first}/history`), state.history(label)] };
  for (const [name, [real, mocked]] of Object.entries(pairs)) assert.deepEqual(keysOf(mocked), keysOf(real), name);
});
