// SPDX-License-Identifier: Apache-2.0
// The page without a mouse.
import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, test } from 'node:test';

import { charted, drawn, launch, mock, nextFrame, openPage, publish } from './harness.mjs';
import { SHOWCASE } from '../mock/state.mjs';

let browser;
let daemon;
let one;
let page;

before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });
beforeEach(async () => {
  daemon = await mock(SHOWCASE);
  one = await openPage(browser, daemon.url);
  page = one.page;
  await drawn(page);
  await charted(page);
});
afterEach(async () => {
  one.guard.clean();
  await one.close();
  await daemon.stop();
});

const focus = () => page.evaluate(() => {
  const e = document.activeElement;
  return { id: e.id, tag: e.tagName, label: e.dataset?.label ?? null, class: e.className };
});
const tip = () => page.evaluate(() => (document.getElementById('tooltip').hidden ? null : document.getElementById('tooltip').textContent));

test('tab reaches every control in reading order, each with a visible focus, and leaves the page at the end', async () => {
  const seen = [];
  for (let i = 0; i < 90; ++i) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      if (e === document.body) return null;
      const style = getComputedStyle(e);
      const box = e.getBoundingClientRect();
      return {
        what: e.id || e.dataset.label || e.dataset.help || e.className || e.tagName, top: box.top + scrollY, left: box.left,
        ring: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || e.classList.contains('skip'), size: box.width * box.height,
      };
    });
    if (at === null) break;
    seen.push(at);
  }
  for (const at of seen) {
    assert.ok(at.ring, `${at.what} shows no focus`);
    assert.ok(at.size > 0, `${at.what} is not visible`);
  }
  const names = seen.map((at) => at.what);
  for (const wanted of ['pause', 'theme', 'balance', 'filter', 'sort', '7', 'heat', 'chart', 'depots', 'latency', 'daemon', 'notes-only']) assert.ok(names.includes(wanted), `${wanted} among ${names.join(', ')}`);
  assert.ok(names.indexOf('pause') < names.indexOf('filter') && names.indexOf('filter') < names.indexOf('7') && names.indexOf('7') < names.indexOf('heat'));
  assert.equal(names.filter((name) => /^\d+$|^iovad/.test(name)).length, 1, 'the list is one tab stop');
  assert.ok(seen.length < 90, 'the last control is reached');
});

test('the skip links move the focus to the list and to the details', async () => {
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal((await focus()).label, '7');
  await page.evaluate(() => document.activeElement.blur());
  await page.focus('a.skip[href="#detail"]');
  await page.keyboard.press('Enter');
  assert.equal((await focus()).id, 'detail');
});

test('arrow keys select domains and load their details; the focus survives new snapshots', async () => {
  await page.focus('.name[data-label="7"]');
  await page.keyboard.press('ArrowDown');
  assert.equal((await focus()).label, '3');
  await page.waitForFunction(() => document.getElementById('detail-title').textContent === 'Domain 3');
  assert.equal(await page.getAttribute('.name[data-label="3"]', 'aria-current'), 'true');
  await publish(page, daemon);
  assert.equal((await focus()).label, '3');
  await page.keyboard.press('End');
  const last = (await focus()).label;
  assert.equal(last, await page.evaluate(() => document.querySelector('.rows').lastElementChild.dataset.domain));
  await page.keyboard.press('ArrowDown');
  assert.equal((await focus()).label, last, 'the last row is the last');
  await page.keyboard.press('Home');
  assert.equal((await focus()).label, '7');
  await page.waitForFunction(() => document.getElementById('detail-title').textContent === 'Domain 7');
});

test('tooltips appear with the keyboard focus and disappear with Escape', async () => {
  await page.focus('#theme');
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  assert.match(await tip(), /Theme: system, light or dark/);
  await page.keyboard.press('Escape');
  assert.equal(await tip(), null);
  await page.focus('#sort');
  await page.keyboard.press('Tab');
  assert.match(await tip(), /^domain 7, DMA-FQ: xhci_hcd · 0000:13:00\.0$/);
  assert.equal(await page.getAttribute('.name[data-label="7"]', 'aria-describedby'), 'tooltip');
});

test('a focus that scrolls the page keeps its tooltip, next to what it explains; other scrolling hides a tooltip', async () => {
  await page.evaluate(() => { document.querySelector('.gauge .track').dataset.first = ''; });
  await page.setViewportSize({ width: 1440, height: 300 });
  await page.focus('[data-help="depots"]');
  await page.evaluate(() => scrollTo(0, 0));
  await nextFrame(page);
  await page.keyboard.press('Tab');
  await page.waitForFunction(() => scrollY > 0);
  await nextFrame(page);
  assert.match(await tip(), /^order 0: /);
  const gap = await page.evaluate(() => {
    const [track, tooltip] = ['[data-first]', '#tooltip'].map((selector) => document.querySelector(selector).getBoundingClientRect());
    return Math.min(Math.abs(track.top - tooltip.bottom), Math.abs(tooltip.top - track.bottom));
  });
  assert.ok(gap <= 11, `${gap} px away`);
  await page.evaluate(() => document.activeElement.blur());
  await page.hover('[data-first]');
  assert.match(await tip(), /^order 0: /);
  await page.evaluate(() => scrollBy(0, 40));
  await page.waitForFunction(() => document.getElementById('tooltip').hidden);
});

test('arrow keys read the heat map cell by cell', async () => {
  await page.focus('.heat');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  const { cpus } = daemon.state.details.get('7');
  const say = (cpu, order) => new RegExp(`^CPU ${cpu} \\(node \\d\\), order ${order}: ${cpus.loaded[cpu][order] + cpus.prev[cpu][order]} of 254 ranges, .*loaded ${cpus.loaded[cpu][order]}, prev ${cpus.prev[cpu][order]}`);
  assert.match(await tip(), say(1, 1));
  for (let i = 0; i < 4; ++i) await page.keyboard.press('ArrowUp');
  await page.keyboard.press('End');
  assert.match(await tip(), say(31, 0));
  await page.keyboard.press('ArrowRight');
  assert.match(await tip(), say(32, 0), 'the first CPU of the next node');
  await page.keyboard.press('Tab');
  assert.equal(await tip(), null);
});

test('arrow keys read the charts point by point, all charts at the same time', async () => {
  await page.focus('[data-chart="tree"] .chart');
  const read = (chart) => page.textContent(`[data-chart="${chart}"] .readout`);
  assert.match(await read('tree'), /^latest/);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  const history = daemon.state.history('7');
  const at = history.tree.length - 2;
  assert.ok((await read('tree')).includes(history.tree[at].toLocaleString('en-US')), await read('tree'));
  const time = (await read('tree')).slice(0, 8);
  assert.match(time, /^\d\d:\d\d:\d\d$/);
  assert.ok((await read('latency')).startsWith(time));
  await page.keyboard.press('Home');
  assert.ok((await read('tree')).includes(history.tree[0].toLocaleString('en-US')));
  await page.keyboard.press('Tab');
  assert.match(await read('tree'), /^latest/);
});

test('help opens and closes, and screen readers are informed', async () => {
  await page.focus('[data-help="depots"]');
  await page.keyboard.press('Enter');
  assert.equal(await page.getAttribute('[data-help="depots"]', 'aria-expanded'), 'true');
  assert.match(await page.textContent('#help-depots'), /full magazines/);
  await page.keyboard.press('Enter');
  assert.ok(await page.isHidden('#help-depots'));
});

test('every "?" has a help text', async () => {
  const names = await page.evaluate(() => [...document.querySelectorAll('[data-help]')].map((b) => b.dataset.help));
  assert.ok(names.length >= 8);
  for (const name of names) {
    await page.locator(`[data-help="${name}"]`).focus();
    await page.keyboard.press('Space');
    assert.ok((await page.textContent(`#help-${name}`)).length > 60, name);
  }
});

test('the tables with the numbers of the heat map and the charts open and are filled', async () => {
  for (const [section, rows] of [['heatmap-title', 64], ['history-title', 31]]) {
    await page.focus(`[aria-labelledby="${section}"] summary`);
    await page.keyboard.press('Enter');
    await page.waitForFunction(([id, n]) => document.querySelectorAll(`[aria-labelledby="${id}"] details tbody tr`).length === n, [section, rows]);
  }
});
