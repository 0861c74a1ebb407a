// SPDX-License-Identifier: Apache-2.0
// States that a real daemon shows rarely, played by the mock.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { PHONE, Reader, drawn, launch, mock, openPage, publish, readPage } from './harness.mjs';
import { compareWithApi } from './numbers.mjs';
import { SHOWCASE } from '../mock/state.mjs';

let browser;
let daemon;
let opened = [];

before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });
afterEach(async () => {
  for (const one of opened) await one.close();
  opened = [];
  await daemon?.stop();
  daemon = undefined;
});

async function show(options, how = {}, hash = '') {
  daemon = await mock(options);
  const one = await openPage(browser, daemon.url + hash, how);
  opened.push(one);
  return one;
}

const link = (page) => page.evaluate(() => document.documentElement.dataset.link);
const linked = (page, state, timeout = 20_000) => page.waitForFunction((s) => document.documentElement.dataset.link === s, state, { timeout });
const bannerText = (page) => page.locator('#banner').innerText();
const answers = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('.tile')].map((t) => [t.dataset.answer, [t.dataset.state, t.querySelector('.answer-words').textContent]])));

// A lost connection is reported by the browser as well; the page is not to blame.
const LOST = { expected: [/net::ERR_/, /Failed to load resource/] };

test('no domain yet: says so, and shows the first that comes', async () => {
  const { page, guard } = await show({ domains: 0, cpus: 4 });
  await drawn(page);
  assert.match(await page.textContent('#list .empty'), /No domain has been seen yet/);
  for (const [state] of Object.values(await answers(page))) assert.equal(state, 'unknown');
  assert.ok(await page.isHidden('#detail'));
  daemon.set({ domains: 1, cpus: 4 });
  await publish(page, daemon);
  await linked(page, 'live');
  await page.waitForFunction(() => document.getElementById('detail-title').textContent === 'Domain 1');
  guard.clean();
});

test('before the first picture: the daemon\'s own words, then the picture', async () => {
  daemon = await mock({ domains: 2, cpus: 4 });
  daemon.mode = 'no-view';
  const one = await openPage(browser, daemon.url, LOST);
  opened.push(one);
  await linked(one.page, 'waiting');
  assert.match(await bannerText(one.page), /no snapshot has been taken yet/);
  daemon.mode = 'normal';
  await publish(one.page, daemon);
  assert.ok(await one.page.isHidden('#banner'));
  one.guard.clean();
});

test('not ready: the reason stands at the top until it is gone', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4, ready: false });
  await drawn(page);
  assert.match(await bannerText(page), /Not ready: attaching probes/);
  daemon.set({ domains: 1, cpus: 4 });
  await publish(page, daemon);
  assert.ok(await page.isHidden('#banner'));
  guard.clean();
});

test('one domain: selected by itself, no slopes yet', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 1, rates: false, history: 0, notes: false });
  await drawn(page);
  assert.equal(await page.textContent('#detail-title'), 'Domain 1');
  assert.equal(await page.textContent('#domains-count'), '1 domain');
  assert.deepEqual((await answers(page)).caches, ['unknown', 'Not known yet']);
  await page.waitForFunction(() => document.querySelector('[aria-labelledby="history-title"]').textContent.includes('No history yet'));
  assert.match(await page.textContent('#daemon'), /Nothing of note/);
  guard.clean();
});

test('64 domains of 256 CPUs: all numbers right, all cells drawn, on a phone too', async () => {
  const options = { domains: 64, cpus: 256, nodes: 4, kinds: ['steady', 'saturated', 'lossy', 'growing'] };
  const { page, guard } = await show(options);
  await drawn(page);
  const label = await page.getAttribute('.row[data-selected]', 'data-domain');
  const reader = new Reader(daemon.url, label);
  await page.evaluate(() => { document.querySelector('[aria-labelledby="heatmap-title"] details').open = true; });
  await publish(page, daemon);
  await page.click('#pause');
  const compared = await compareWithApi(page, (name, id) => reader.event(name, id));
  assert.deepEqual(compared, { domains: 64, cpus: 256 });
  reader.close();
  const phone = await openPage(browser, daemon.url, { viewport: PHONE });
  opened.push(phone);
  await drawn(phone.page);
  const heat = await phone.page.evaluate(() => {
    const canvas = document.querySelector('.heat');
    return { width: canvas.clientWidth, room: canvas.parentElement.clientWidth, height: canvas.clientHeight, page: document.documentElement.scrollWidth };
  });
  assert.ok(heat.width <= heat.room, 'the heat map fits');
  assert.ok(heat.height > 6 * 9 * 8, `256 CPUs take ${heat.height} px`);
  assert.equal(heat.page, PHONE.width, 'nothing is wider than the phone');
  guard.clean();
  phone.guard.clean();
});

test('nothing is cut off at any width, with large numbers', async () => {
  const { page, guard } = await show({ domains: 8, cpus: 256, kinds: ['saturated', 'off', 'lossy', 'growing'] });
  await drawn(page);
  for (const width of [320, 360, 414, 600, 719, 720, 860, 1024, 1179, 1180, 1280, 1366, 1399, 1400, 1440, 1920, 2560]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForFunction((w) => innerWidth === w, width);
    const cut = await page.evaluate(() => {
      const out = document.documentElement.scrollWidth > innerWidth ? [`the page is ${document.documentElement.scrollWidth} wide`] : [];
      for (const cell of document.querySelectorAll('.rows .cell .number, .rows .cell .slope, .ledger td, .gauge-value span, .figures dd, .row.head .cell')) {
        if (cell.offsetParent === null) continue;
        const box = cell.getBoundingClientRect();
        const around = cell.closest('#list, .panel').getBoundingClientRect();
        if (box.right > around.right + 0.5 || box.left < around.left - 0.5 || cell.scrollWidth > cell.clientWidth + 1 && getComputedStyle(cell).display !== 'inline') out.push(`${cell.className || cell.tagName}: ${cell.textContent}`);
      }
      return out.slice(0, 5);
    });
    assert.deepEqual(cut, [], `at ${width}`);
  }
  guard.clean();
});

test('the list on a phone starts short and opens', async () => {
  const { page, guard } = await show({ domains: 20, cpus: 4 }, { viewport: PHONE });
  await drawn(page);
  const visible = () => page.evaluate(() => [...document.querySelectorAll('.rows .row')].filter((r) => r.offsetParent !== null).length);
  assert.equal(await visible(), 6);
  await page.click('text=Show all 20 domains');
  assert.equal(await visible(), 20);
  guard.clean();
});

test('the answers and the order follow the verdicts', async () => {
  const { page, guard } = await show(SHOWCASE);
  await drawn(page);
  assert.deepEqual(await answers(page), {
    caches: ['warning', 'Growing in 2 domains'], depots: ['critical', 'Yes, in domain 7'], leaks: ['warning', 'Outstanding grows in domain 11'], trust: ['critical', 'Not in domain 19'],
  });
  const { rows } = await readPage(page);
  assert.deepEqual(rows.slice(0, 3).map((r) => r.domain), ['7', '3', '19']);
  assert.match(await page.title(), /^▲ rcached: 2 of 12 domains need attention/);
  await page.click('.tile[data-answer="leaks"] .look');
  await page.waitForFunction(() => document.getElementById('detail-title').textContent === 'Domain 11');
  guard.clean();
});

test('a domain that does not add up is marked', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4, kinds: ['off'] });
  await drawn(page);
  assert.equal((await answers(page)).trust[1], 'Unaccounted in domain 1');
  const { rows } = await readPage(page);
  assert.equal(rows.find((r) => r.domain === '1').cells.unaccounted[0], '−41');
  guard.clean();
});

test('unbounded depots: the threshold is a line, not the end', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 8, depot: 'unbounded' });
  await drawn(page);
  assert.match(await page.textContent('[aria-labelledby="depots-title"]'), /unbounded, reclaim threshold 8 magazines/);
  assert.ok(await page.isVisible('.gauge[data-order="0"] .mark'));
  assert.equal((await answers(page)).depots[0], 'good');
  guard.clean();
});

test('hostile names are text and stay in their places', async () => {
  const { page, guard } = await show({ domains: 9, cpus: 4, hostile: true });
  await drawn(page);
  assert.equal(await page.locator('img:not(.brand img)').count(), 0);
  assert.equal(await page.locator('script:not([src])').count(), 0);
  await publish(page, daemon);
  const wanted = [...daemon.state.details.keys()];
  assert.deepEqual(new Set((await readPage(page)).rows.map((r) => r.domain)), new Set(wanted));
  await page.locator('.name').nth(3).click();
  await drawn(page);
  const label = await page.getAttribute('.row[data-selected]', 'data-domain');
  assert.equal(await page.textContent('#detail-title'), `Domain ${label}`);
  await page.reload();
  await drawn(page);
  assert.equal(await page.textContent('#detail-title'), `Domain ${label}`, 'the address finds it again');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 1440);
  guard.clean();
});

test('an address with a broken selection shows the page', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 }, {}, '#domain=%E0%A4%A');
  await drawn(page);
  assert.equal(await page.textContent('#detail-title'), 'Domain 1');
  guard.clean();
});

test('a domain that goes is said to have gone, and the list goes on', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 }, LOST, '#domain=3');
  await drawn(page);
  daemon.set({ domains: 1, cpus: 4 });
  daemon.publish();
  await page.waitForFunction(() => document.querySelector('#detail .empty:not([hidden])') !== null);
  assert.match(await page.textContent('#detail .empty'), /This domain has gone.*there is no domain "3"/);
  await page.click('.name[data-label="1"]');
  await page.waitForFunction(() => document.getElementById('detail-title').textContent === 'Domain 1' && document.querySelector('.ledger').offsetParent !== null);
  guard.clean();
});

test('a cut stream is stale at once, with the time, and comes back by itself', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 }, LOST);
  await drawn(page);
  daemon.mode = 'dead';
  daemon.cut();
  await linked(page, 'stale');
  assert.match(await bannerText(page), /Stale since \d\d:\d\d:\d\d \(\d+ s\): .* Trying again/);
  assert.match(await page.textContent('#link-text'), /^Stale since \d\d:\d\d:\d\d$/);
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.querySelector('main')).filter), 'none', 'old numbers look old');
  daemon.mode = 'normal';
  daemon.publish();
  await linked(page, 'live');
  await drawn(page, daemon.number);
  assert.ok(await page.isHidden('#banner'));
  guard.clean();
});

test('no stream to spare: the numbers come all the same, and it says why they are slower', async () => {
  daemon = await mock({ domains: 2, cpus: 4 });
  daemon.mode = 'full';
  const one = await openPage(browser, daemon.url, LOST);
  opened.push(one);
  await linked(one.page, 'polling');
  await one.page.waitForFunction(() => document.querySelectorAll('.rows .row').length === 2 && document.querySelector('.ledger tbody tr') !== null);
  assert.match(await bannerText(one.page), /http\.streams/);
  const tries = () => daemon.requests.filter((path) => path.startsWith('/api/v1/stream')).length;
  const before = tries();
  await one.page.click('#banner-action');
  for (let i = 0; i < 200 && tries() === before; ++i) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(tries() > before, 'the stream is tried again when asked for');
  daemon.mode = 'normal';
  await linked(one.page, 'live', 60_000);
  one.guard.clean();
});

test('a stream that falls silent while the daemon goes on is noticed', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4 }, LOST);
  await drawn(page);
  daemon.silent = true;
  daemon.publish();
  await page.waitForFunction((n) => document.documentElement.dataset.link === 'polling' || document.documentElement.dataset.snapshot === n, String(daemon.number), { timeout: 30_000 });
  const { tree } = daemon.state.domains.domains[0].balance;
  assert.equal((await readPage(page)).rows[0].cells.tree[0].replaceAll(',', ''), String(tree.ranges));
  guard.clean();
});

test('a paused page lets nothing pile up: no stream, and the newest state when it goes on', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 });
  await drawn(page);
  const before = daemon.number;
  await page.click('#pause');
  await linked(page, 'paused');
  assert.equal(await page.getAttribute('#pause', 'aria-pressed'), 'true');
  await page.waitForFunction(() => true);
  for (let i = 0; i < 50 && daemon.streams.size > 0; ++i) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(daemon.streams.size, 0);
  const asked = daemon.requests.length;
  for (let i = 0; i < 20; ++i) daemon.publish();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.snapshot), String(before));
  assert.equal(daemon.requests.length, asked);
  await page.click('#pause');
  await drawn(page, daemon.number);
  assert.equal(daemon.streams.size, 1);
  guard.clean();
});

test('many snapshots at once are drawn once, the last one', async () => {
  const { page, guard } = await show({ domains: 8, cpus: 64 });
  await drawn(page);
  await page.evaluate(() => {
    window.draws = 0;
    new MutationObserver(() => { ++window.draws; }).observe(document.documentElement, { attributeFilter: ['data-snapshot'] });
  });
  for (let i = 0; i < 60; ++i) daemon.publish();
  await drawn(page, daemon.number);
  assert.ok(await page.evaluate(() => window.draws) < 60);
  guard.clean();
});

test('the theme is remembered and comes before the first paint', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4 });
  await drawn(page);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.click('#theme');
  assert.equal(await ground(), light, 'the system is light');
  await page.click('#theme');
  assert.equal(await page.textContent('#theme'), 'Theme: dark');
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark);
  await page.click('#theme');
  assert.equal(await page.evaluate(() => localStorage.getItem('rcached-theme')), null);
  assert.equal(await ground(), light);
  guard.clean();
});

test('the system\'s dark is dark, and reduced motion moves nothing', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4 }, { colorScheme: 'dark', reducedMotion: 'reduce' });
  await drawn(page);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(13, 17, 23)');
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.gauge .fill')).transitionDuration), '0s');
  guard.clean();
});

test('the filter and the order keep the selection', async () => {
  const { page, guard } = await show(SHOWCASE);
  await drawn(page);
  await page.fill('#filter', 'nvme');
  assert.match(await page.textContent('#domains-count'), /^\d of 12 domains$/);
  await page.fill('#filter', 'no such thing');
  assert.match(await page.textContent('#list .empty'), /No domain matches the filter/);
  assert.equal(await page.textContent('#detail-title'), 'Domain 7');
  await page.fill('#filter', '');
  await page.selectOption('#sort', 'domain');
  assert.deepEqual((await readPage(page)).rows.map((r) => r.domain), ['1', '3', '5', '7', '9', '11', '13', '15', '19', '21', '23', 'iovad-9']);
  guard.clean();
});

test('without scripts the page leads to the plain one', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4 }, { javaScriptEnabled: false });
  assert.ok(await page.isVisible('noscript a[href="/plain"]'));
  guard.clean();
});

test('nothing gets around the policy', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4 }, { expected: [/Content Security Policy/, /Trusted(HTML|Script)/] });
  await drawn(page);
  const blocked = await page.evaluate(() => {
    const tried = [];
    try { document.body.innerHTML += '<p></p>'; } catch { tried.push('markup'); }
    const script = document.createElement('script');
    try { script.textContent = 'window.pwned = true'; document.head.append(script); } catch { tried.push('script'); }
    return { tried, pwned: window.pwned === true };
  });
  assert.deepEqual(blocked, { tried: ['markup', 'script'], pwned: false });
  assert.equal(guard.problems.length, 0);
});
