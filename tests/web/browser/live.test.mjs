// SPDX-License-Identifier: Apache-2.0
// The page against a daemon: the synthetic one with 64 domains and 256 CPUs, or the one at RCACHED_WEB_URL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { charted, drawn, get, launch, openPage, startDaemon, until } from './harness.mjs';
import { StreamClient, compareWithApi } from './numbers.mjs';
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

const snapshotOf = (page) => page.evaluate(() => Number(document.documentElement.dataset.snapshot));
const snapshotAfter = (page, number) => page.waitForFunction((n) => Number(document.documentElement.dataset.snapshot) > n, number);
const selectedLabel = (page) => page.evaluate(() => document.querySelector('.row[data-selected]').dataset.domain);

// Milliseconds to the first contentful paint.
async function firstPaint(address) {
  const { page, guard, close } = await openPage(browser, address);
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length === 1);
  const time = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  guard.clean();
  await close();
  return time;
}

// How long a paint takes depends on the machine. The plain page is painted on the same one: a table and no script.
test('the first paint is not many times slower than that of the plain page', async () => {
  const live = [];
  const plain = [];
  for (let i = 0; i < 3; ++i) {
    plain.push(await firstPaint(`${url}plain`));
    live.push(await firstPaint(url));
  }
  const list = (times) => times.map((t) => t.toFixed(0)).join(', ');
  console.log(`first contentful paint after ${list(live)} ms; the plain page after ${list(plain)} ms`);
  assert.ok(Math.min(...live) < 10 * Math.min(...plain));
});

test('every number is the API\'s of the same snapshot', async () => {
  const { page, guard, close } = await openPage(browser, url);
  await drawn(page);
  const client = new StreamClient(url, await selectedLabel(page));
  await page.evaluate(() => { document.querySelector('[aria-labelledby="heatmap-title"] details').open = true; });
  for (let compared = 0; compared < 2;) {
    await snapshotAfter(page, await snapshotOf(page) + 1);
    await drawn(page);
    await page.click('#pause');
    await page.waitForFunction(() => document.documentElement.dataset.link === 'paused');
    const result = await compareWithApi(page, client);
    const frozen = await snapshotOf(page);
    if (result === null) {
      console.log(`snapshot ${frozen} is missing on the second stream: trying another one`);
    } else {
      console.log(`compared snapshot ${frozen}: ${result.domains} domains, ${result.cpus} CPUs`);
      ++compared;
    }
    await client.event('snapshot', frozen + 2);
    assert.equal(await snapshotOf(page), frozen, 'a paused page does not change');
    await page.click('#pause');
  }
  client.close();
  guard.clean();
  await close();
});

test('new snapshots are drawn, and selecting another domain loads its details', async () => {
  const { page, guard, close } = await openPage(browser, url);
  await drawn(page);
  for (let i = 0; i < 3; ++i) await snapshotAfter(page, await snapshotOf(page));
  const labels = await page.evaluate(() => [...document.querySelectorAll('.row[data-domain]')].map((r) => r.dataset.domain));
  const other = labels.at(-1);
  await page.locator(`.name[data-label="${other}"]`).click();
  await page.waitForFunction((label) => document.getElementById('detail-title').textContent === `Domain ${label}`, other);
  assert.equal(new URL(page.url()).hash, `#domain=${encodeURIComponent(other)}`);
  await page.waitForSelector('.ledger');
  guard.clean();
  await close();
});

test('the charts show the daemon\'s history', async () => {
  const { page, guard, close } = await openPage(browser, url);
  await drawn(page);
  const label = await selectedLabel(page);
  await until(async () => JSON.parse((await get(`${url}api/v1/domains/${encodeURIComponent(label)}/history`)).body).tree.length > 0, 'there is a history');
  await charted(page);
  assert.match(await page.getAttribute('[data-chart="tree"] .chart', 'aria-label'), /tree now [\d,]+, lowest [\d,]+, highest [\d,]+/);
  guard.clean();
  await close();
});

test('the live page, its assets and the plain page are served with the right headers', async () => {
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

// Every path of keys in a JSON body, elements of arrays as one: ["domains[].balance.tree.ranges", ...]. What may be
// null in either body is not followed.
const MAY_BE_NULL = new Set(['domains[].memory', 'domains[].space32', 'domain.memory', 'domain.space32', 'domains[].depot.fullest', 'domain.depot.fullest', 'domains[].rates', 'domain.rates', 'reader']);

function keysOf(body) {
  const paths = new Set();
  const walk = (value, path) => {
    if (MAY_BE_NULL.has(path) || value === null || typeof value !== 'object') {
      paths.add(path);
      return;
    }
    if (Array.isArray(value)) {
      paths.add(`${path}[]`);
      for (const item of value) if (item !== null && typeof item === 'object' && !Array.isArray(item)) walk(item, `${path}[]`);
      return;
    }
    for (const [key, item] of Object.entries(value)) walk(item, path === '' ? key : `${path}.${key}`);
  };
  walk(body, '');
  return [...paths].sort();
}

test('the mock has the same JSON keys as the daemon', { skip: process.env.RCACHED_WEB_URL ? 'a daemon on another source may lack parts' : false }, async () => {
  const body = async (path) => JSON.parse((await get(`${url}api/v1/${path}`)).body);
  const state = makeState({ domains: 3, cpus: 8, kinds: ['saturated', 'lossy', 'steady'] });
  const label = [...state.details.keys()][0];
  const first = (await body('domains')).domains[0].domain;
  const pairs = { domains: [await body('domains'), state.domains], status: [await body('status'), state.status], notes: [await body('notes'), state.notes],
    domain: [await body(`domains/${first}`), state.details.get(label)], history: [await body(`domains/${first}/history`), state.history(label)] };
  for (const [name, [real, mocked]] of Object.entries(pairs)) assert.deepEqual(keysOf(mocked), keysOf(real), name);
});
