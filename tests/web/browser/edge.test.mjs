// SPDX-License-Identifier: Apache-2.0
// States that a real daemon is rarely in, simulated by the mock.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { PHONE, charted, drawn, launch, mock, nextFrame, openPage, publish, until } from './harness.mjs';
import { StreamClient, compareWithApi, readPage } from './numbers.mjs';
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

async function open(how = {}, hash = '') {
  const one = await openPage(browser, daemon.url + hash, how);
  opened.push(one);
  return one;
}

async function show(options, how = {}, hash = '') {
  daemon = await mock(options);
  return open(how, hash);
}

const linked = (page, state) => page.waitForFunction((s) => document.documentElement.dataset.link === s, state);
const titled = (page, title) => page.waitForFunction((t) => document.getElementById('detail-title').textContent === t, title);
const bannerText = (page) => page.locator('#banner').innerText();
const answers = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('.tile')].map((t) => [t.dataset.answer, [t.dataset.state, t.querySelector('.answer-words').textContent]])));

// The browser reports a lost connection on the console, too; that is no error of the page.
const LOST = { expected: [/net::ERR_/, /Failed to load resource/] };

test('the first paint needs nothing from the API: only the page, its style sheet and the theme script', async () => {
  daemon = await mock({ domains: 2, cpus: 4 });
  daemon.hold = (path) => path.startsWith('/api/');
  const { page, guard } = await open();
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length === 1);
  assert.equal(await page.textContent('#link-text'), 'Connecting…');
  const blocking = await page.evaluate(() => performance.getEntriesByType('resource').filter((r) => r.renderBlockingStatus === 'blocking').map((r) => r.name));
  assert.deepEqual(blocking.map((name) => /([a-z]+)-[0-9a-f]+(\.\w+)$/.exec(name)?.slice(1).join('') ?? name).sort(), ['style.css', 'theme.js']);
  daemon.release();
  await drawn(page);
  guard.clean();
});

test('no domain yet: says so, and shows the first one that appears', async () => {
  const { page, guard } = await show({ domains: 0, cpus: 4 });
  await drawn(page);
  assert.match(await page.textContent('#list .empty'), /No domain has been seen yet/);
  for (const [state] of Object.values(await answers(page))) assert.equal(state, 'unknown');
  assert.ok(await page.isHidden('#detail'));
  daemon.set({ domains: 1, cpus: 4 });
  await publish(page, daemon);
  await linked(page, 'live');
  await titled(page, 'Domain 1');
  guard.clean();
});

test('before the first snapshot: the daemon\'s reason, then the snapshot', async () => {
  daemon = await mock({ domains: 2, cpus: 4 });
  daemon.mode = 'no-view';
  const { page, guard } = await open(LOST);
  await linked(page, 'waiting');
  assert.match(await bannerText(page), /no snapshot has been taken yet/);
  daemon.mode = 'normal';
  await publish(page, daemon);
  assert.ok(await page.isHidden('#banner'));
  guard.clean();
});

test('an answer that is slower than the stream does not replace newer details', async () => {
  daemon = await mock({ domains: 2, cpus: 4 });
  daemon.hold = (path) => path === '/api/v1/domains/1';
  const { page, guard } = await open();
  await drawn(page);
  await until(() => daemon.held.length === 1, 'the details are requested');
  await publish(page, daemon);
  daemon.release();
  // This request is sent after the one that was held.
  await page.evaluate(async () => { await (await fetch('/api/v1/domains/1')).json(); });
  await nextFrame(page);
  assert.equal(await page.getAttribute('#detail', 'data-snapshot'), String(daemon.number));
  guard.clean();
});

test('not ready: the reason is shown at the top until the daemon is ready', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4, ready: false });
  await drawn(page);
  assert.match(await bannerText(page), /Not ready: attaching probes/);
  daemon.set({ domains: 1, cpus: 4 });
  await publish(page, daemon);
  assert.ok(await page.isHidden('#banner'));
  guard.clean();
});

test('a single domain is selected; slopes are not known yet', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 1, rates: false, history: 0, notes: false });
  await drawn(page);
  assert.equal(await page.textContent('#detail-title'), 'Domain 1');
  assert.equal(await page.textContent('#domains-count'), '1 domain');
  assert.deepEqual((await answers(page)).caches, ['unknown', 'Not known yet']);
  await page.waitForSelector('text=No history yet');
  assert.match(await page.textContent('#daemon'), /No notes/);
  guard.clean();
});

test('64 domains with 256 CPUs: every number is right, every cell is drawn, on a phone too', async () => {
  const options = { domains: 64, cpus: 256, nodes: 4, kinds: ['steady', 'saturated', 'lossy', 'growing'] };
  const { page, guard } = await show(options);
  await drawn(page);
  const label = await page.getAttribute('.row[data-selected]', 'data-domain');
  const client = new StreamClient(daemon.url, label);
  await page.evaluate(() => { document.querySelector('[aria-labelledby="heatmap-title"] details').open = true; });
  await publish(page, daemon);
  await page.click('#pause');
  assert.deepEqual(await compareWithApi(page, client), { domains: 64, cpus: 256 });
  client.close();
  const phone = await open({ viewport: PHONE });
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
  await charted(page);
  for (const width of [320, 360, 414, 600, 719, 720, 860, 1024, 1179, 1180, 1280, 1366, 1399, 1400, 1440, 1920, 2560]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForFunction((w) => innerWidth === w, width);
    await nextFrame(page);
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

test('the list on a phone is short at first and can be expanded', async () => {
  const { page, guard } = await show({ domains: 20, cpus: 4 }, { viewport: PHONE });
  await drawn(page);
  const visible = () => page.evaluate(() => [...document.querySelectorAll('.rows .row')].filter((r) => r.offsetParent !== null).length);
  assert.equal(await visible(), 6);
  await page.click('text=Show all 20 domains');
  assert.equal(await visible(), 20);
  guard.clean();
});

test('the answers and the sort order follow the verdicts', async () => {
  const { page, guard } = await show(SHOWCASE);
  await drawn(page);
  assert.deepEqual(await answers(page), {
    caches: ['warning', 'Growing in 2 domains'], depots: ['critical', 'Yes, in domain 7'], leaks: ['warning', 'Possibly, in domain 11'], trust: ['critical', 'Not in domain 19'],
  });
  const { rows } = await readPage(page);
  assert.deepEqual(rows.slice(0, 3).map((r) => r.domain), ['7', '3', '19']);
  assert.match(await page.title(), /^▲ rcached: 2 of 12 domains need attention/);
  await page.click('.tile[data-answer="leaks"] .show');
  await titled(page, 'Domain 11');
  guard.clean();
});

test('a domain with unaccounted ranges is marked', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4, kinds: ['off'] });
  await drawn(page);
  assert.equal((await answers(page)).trust[1], 'Unaccounted ranges in domain 1');
  const { rows } = await readPage(page);
  assert.equal(rows.find((r) => r.domain === '1').cells.unaccounted[0], '−41');
  guard.clean();
});

test('unbounded depots: the reclaim threshold is a mark, not the end of the gauge', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 8, depot: 'unbounded' });
  await drawn(page);
  assert.match(await page.textContent('[aria-labelledby="depots-title"]'), /unbounded, reclaim threshold 8 magazines/);
  assert.ok(await page.isVisible('.gauge[data-order="0"] .mark'));
  assert.equal((await answers(page)).depots[0], 'good');
  guard.clean();
});

test('hostile names are shown as text, and break neither the page nor the selection', async () => {
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
  assert.equal(await page.textContent('#detail-title'), `Domain ${label}`, 'the URL selects it again');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 1440);
  guard.clean();
});

test('a URL with a malformed selection shows the page', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 }, {}, '#domain=%E0%A4%A');
  await drawn(page);
  assert.equal(await page.textContent('#detail-title'), 'Domain 1');
  guard.clean();
});

test('a domain that disappears: the page says so, and the list stays usable', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 }, LOST, '#domain=3');
  await drawn(page);
  daemon.set({ domains: 1, cpus: 4 });
  daemon.publish();
  await page.waitForSelector('#detail .empty:not([hidden])');
  assert.match(await page.textContent('#detail .empty'), /This domain no longer exists.*there is no domain "3"/);
  await page.click('.name[data-label="1"]');
  await titled(page, 'Domain 1');
  await page.waitForSelector('.ledger');
  guard.clean();
});

test('a URL that selects a domain that does not exist says so', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 }, LOST, '#domain=77');
  await page.waitForSelector('#detail .empty:not([hidden])');
  assert.match(await page.textContent('#detail .empty'), /there is no domain "77"/);
  guard.clean();
});

test('a lost stream: marked as stale at once, with the time, and reconnected without help', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 }, LOST);
  await drawn(page);
  daemon.mode = 'dead';
  daemon.cut();
  await linked(page, 'stale');
  assert.match(await bannerText(page), /Stale since \d\d:\d\d:\d\d \(\d+ s\): .* Retrying/);
  assert.match(await page.textContent('#link-text'), /^Stale since \d\d:\d\d:\d\d$/);
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.querySelector('main')).filter), 'none', 'old numbers are greyed out');
  daemon.mode = 'normal';
  daemon.publish();
  await linked(page, 'live');
  await drawn(page, daemon.number);
  assert.ok(await page.isHidden('#banner'));
  guard.clean();
});

// Advances the page's clock until the connection is in this state.
async function advanceTo(page, state) {
  await until(async () => {
    await page.clock.runFor(1_000);
    return await page.evaluate(() => document.documentElement.dataset.link) === state;
  }, `the connection is ${state}`);
}

test('no free stream: the page polls and says why; it tries the stream on demand and again later', async () => {
  daemon = await mock({ domains: 2, cpus: 4 });
  daemon.mode = 'full';
  const { page, guard } = await open({ ...LOST, fakeClock: true });
  await linked(page, 'polling');
  await page.waitForFunction(() => document.querySelectorAll('.rows .row').length === 2 && document.querySelector('.ledger tbody tr') !== null);
  assert.match(await bannerText(page), /http\.streams/);
  const tries = () => daemon.requests.filter((path) => path.startsWith('/api/v1/stream')).length;
  const tried = tries();
  await page.click('#banner-action');
  await until(() => tries() > tried, 'the stream is tried again');
  daemon.mode = 'normal';
  await advanceTo(page, 'live');
  guard.clean();
});

test('a stream that delivers nothing while the daemon takes snapshots is replaced by polling', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4 }, { ...LOST, fakeClock: true });
  await drawn(page);
  daemon.silent = true;
  daemon.publish();
  const { tree } = daemon.state.domains.domains[0].balance;
  await advanceTo(page, 'polling');
  await page.waitForFunction(() => document.documentElement.dataset.snapshot === 'polled');
  assert.equal((await readPage(page)).rows[0].cells.tree[0].replaceAll(',', ''), String(tree.ranges));
  guard.clean();
});

test('a paused page has no stream and sends no request; resumed, it shows the newest snapshot', async () => {
  const { page, guard, requests } = await show({ domains: 2, cpus: 4 }, { fakeClock: true });
  await drawn(page);
  await charted(page);
  const shown = String(daemon.number);
  await page.click('#pause');
  await linked(page, 'paused');
  assert.equal(await page.getAttribute('#pause', 'aria-pressed'), 'true');
  await until(() => requests.size === 0 && daemon.streams.size === 0, 'no request is open');
  const sent = daemon.requests.length;
  for (let i = 0; i < 20; ++i) daemon.publish();
  await page.clock.runFor(60_000);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.snapshot), shown);
  assert.equal(daemon.requests.length, sent);
  await page.click('#pause');
  await drawn(page, daemon.number);
  assert.equal(daemon.streams.size, 1);
  guard.clean();
});

test('another domain selected while paused: its summary, and nothing of the domain before it', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 });
  await drawn(page);
  await charted(page);
  await page.click('#pause');
  await linked(page, 'paused');
  await page.click('.name[data-label="3"]');
  await titled(page, 'Domain 3');
  assert.match(await page.textContent('#detail .empty'), /Updates are paused/);
  for (const panel of ['.ledger', '.gauges', '.heat', '.chart']) assert.ok(await page.isHidden(panel), panel);
  await page.click('#pause');
  await drawn(page);
  await charted(page);
  assert.ok(await page.isHidden('#detail .empty'));
  assert.ok(await page.isVisible('.ledger'));
  guard.clean();
});

test('while details are loading, nothing of the domain before is shown', async () => {
  const { page, guard } = await show({ domains: 2, cpus: 4 });
  await drawn(page);
  daemon.hold = (path) => path.startsWith('/api/v1/');
  await page.click('.name[data-label="3"]');
  await titled(page, 'Domain 3');
  assert.ok(await page.isHidden('.ledger'));
  daemon.release();
  await page.waitForSelector('.ledger');
  guard.clean();
});

test('many snapshots that arrive before the next frame are drawn once, and the last one is shown', async () => {
  const init = () => {
    const frames = [];
    const requestFrame = window.requestAnimationFrame;
    window.requestAnimationFrame = (draw) => (window.holdFrames ? frames.push(draw) : requestFrame(draw));
    window.frameRequests = () => frames.length;
    window.runFrames = () => { for (const draw of frames.splice(0)) draw(performance.now()); };
    window.EventSource = class extends EventSource {
      constructor(...options) {
        super(...options);
        this.addEventListener('domain', (event) => { window.lastEvent = event.lastEventId; });
      }
    };
  };
  const { page, guard } = await show({ domains: 8, cpus: 64 }, { init });
  await drawn(page);
  const shown = String(daemon.number);
  await page.evaluate(() => { window.holdFrames = true; });
  for (let i = 0; i < 60; ++i) daemon.publish();
  await page.waitForFunction((n) => window.lastEvent === n, String(daemon.number), { polling: 20 });
  assert.equal(await page.evaluate(() => document.documentElement.dataset.snapshot), shown);
  assert.equal(await page.evaluate(() => window.frameRequests()), 1);
  await page.evaluate(() => {
    window.holdFrames = false;
    window.runFrames();
  });
  await drawn(page, daemon.number);
  guard.clean();
});

test('the theme is remembered, and set before the first paint', async () => {
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

test('the dark theme of the system is followed; with reduced motion nothing is animated', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4 }, { colorScheme: 'dark', reducedMotion: 'reduce' });
  await drawn(page);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(13, 17, 23)');
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.gauge .fill')).transitionDuration), '0s');
  guard.clean();
});

test('filtering and sorting keep the selection', async () => {
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

test('without scripts the page links to the plain page', async () => {
  const { page, guard } = await show({ domains: 1, cpus: 4 }, { javaScriptEnabled: false });
  assert.ok(await page.isVisible('noscript a[href="/plain"]'));
  guard.clean();
});

test('the content security policy blocks inserted markup and scripts', async () => {
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
