// SPDX-License-Identifier: Apache-2.0
// What the browser tests share: a browser, pages that fail a test on any console error and on any request to
// elsewhere, the mock, the real daemon, and reading numbers off the page.
// Environment, set by tests/web/run: RCACHED_WEB_MODULES (folder with node_modules), RCACHED_WEB_DIST (the built
// page), RCACHED_BINARY, CHROMIUM.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { MockDaemon } from '../mock/server.mjs';

const { env } = process;
export const need = createRequire(path.join(env.RCACHED_WEB_MODULES ?? '.', 'package.json'));
const { chromium } = need('playwright-core');

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--font-render-hinting=none', '--disable-font-subpixel-positioning', '--disable-lcd-text'];

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 360, height: 780 };

export async function launch() {
  return chromium.launch({ executablePath: env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

// A page of its own context. `guard.problems` collects what must not happen; guard.clean() asserts that nothing did.
export async function openPage(browser, url, { viewport = DESKTOP, colorScheme = 'light', reducedMotion = 'no-preference', expected = [], javaScriptEnabled = true } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion, timezoneId: 'UTC', locale: 'en-US', hasTouch: viewport.width < 500, javaScriptEnabled });
  const { origin } = new URL(url);
  const guard = { problems: [], context, clean: () => assert.deepEqual(guard.problems, []) };
  const note = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) guard.problems.push(text);
  };
  await context.route((target) => target.origin !== origin && target.protocol !== 'data:', (route) => {
    note(`request to elsewhere: ${route.request().url()}`);
    return route.abort();
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') note(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => note(`exception: ${error.stack}`));
  await page.goto(url, { waitUntil: 'load' });
  return { page, guard, close: () => context.close() };
}

export async function mock(options) {
  return new MockDaemon(env.RCACHED_WEB_DIST, options).start();
}

// Waits until the page has drawn a snapshot, and the details that belong to it.
export async function drawn(page, number = null) {
  await page.waitForFunction((n) => {
    const id = document.documentElement.dataset.snapshot;
    const detail = document.getElementById('detail');
    return id !== undefined && (n === null || id === n) && (detail.hidden || detail.dataset.snapshot === id);
  }, number === null ? null : String(number), { timeout: 20_000 });
}

export async function publish(page, daemon) {
  daemon.publish();
  await drawn(page, daemon.number);
}

async function freePort() {
  const probe = net.createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => { body += piece; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    }).on('error', reject);
  });
}

export { get };

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// `rcached run` on the synthetic source. Resolves when it is ready.
export async function startDaemon(synthetic) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rcached-web-'));
  const config = path.join(folder, 'config.yaml');
  const lines = ['source: synthetic', `run_directory: ${folder}/run`, 'synthetic:', ...Object.entries(synthetic).map(([key, value]) => `  ${key}: ${value}`), ''];
  fs.writeFileSync(config, lines.join('\n'));
  const port = await freePort();
  const child = spawn(env.RCACHED_BINARY, ['run', '--config', config, '--listen', `127.0.0.1:${port}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (piece) => { log += piece; });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const url = `http://127.0.0.1:${port}/`;
  const deadline = Date.now() + 60_000;
  for (;;) {
    const ready = await get(`${url}-/ready`).catch(() => null);
    if (ready?.status === 200) break;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`rcached did not become ready:\n${log}`);
    await wait(100);
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(timer);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

// A second reader of the stream, to compare with: keeps the events by name and id.
export class Reader {
  constructor(url, domain) {
    this.events = new Map();
    const query = domain === undefined ? '' : `?domain=${encodeURIComponent(domain)}`;
    let rest = '';
    this.request = http.get(`${url}api/v1/stream${query}`, (response) => {
      response.setEncoding('utf8');
      response.on('data', (piece) => {
        rest += piece;
        const records = rest.split('\n\n');
        rest = records.pop();
        for (const record of records) this.take(record);
      });
      response.on('error', () => {});
    });
    this.request.on('error', () => {});
  }

  take(record) {
    const fields = new Map(record.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
    if (fields.has('event')) this.events.set(`${fields.get('event')} ${fields.get('id')}`, JSON.parse(fields.get('data')));
  }

  async event(name, id) {
    for (let i = 0; i < 200; ++i) {
      const found = this.events.get(`${name} ${id}`);
      if (found !== undefined) return found;
      await wait(50);
    }
    throw new Error(`the reader has no ${name} ${id}, only ${[...this.events.keys()].join(', ')}`);
  }

  close() {
    this.request.destroy();
  }
}

// "1,234" -> 1234, "−41" -> -41, "–" -> null
export function number(text) {
  const plain = text.trim().replaceAll(',', '').replace('−', '-');
  if (plain === '–' || plain === '') return null;
  assert.match(plain, /^-?\d+$/, `"${text}" is no whole number`);
  return Number(plain);
}

// "+3.2/min" -> ranges per second; null when not known.
export function perSecond(text) {
  if (text === '–') return null;
  if (text === 'steady') return 0;
  const [, sign, digits, letter, unit] = /^([+−])([\d.,]+)([kMG]?)\/(min|h)$/.exec(text) ?? assert.fail(`"${text}" is no slope`);
  return ((sign === '−' ? -1 : 1) * Number(digits.replaceAll(',', '')) * { '': 1, k: 1e3, M: 1e6, G: 1e9 }[letter]) / { min: 60, h: 3600 }[unit];
}

export function assertSlope(text, value, what) {
  const read = perSecond(text);
  if (value === null || read === null) {
    assert.equal(read, value, what);
    return;
  }
  const allowed = Math.max(0.006 * Math.abs(value), 0.5 / 3600);
  assert.ok(Math.abs(read - value) <= allowed, `${what}: the page says ${text}, the API ${value}/s`);
}

// All numbers on the page, as text.
export function readPage(page) {
  return page.evaluate(() => {
    const text = (element) => element?.textContent ?? null;
    const rows = [...document.querySelectorAll('.rows .row')].map((row) => ({
      domain: row.dataset.domain, confidence: text(row.querySelector('.confidence span')), verdicts: [...row.querySelectorAll('.chip')].map(text),
      cells: Object.fromEntries([...row.querySelectorAll('.cell')].map((cell) => [cell.dataset.part, [text(cell.querySelector('.number')), text(cell.querySelector('.slope'))]])),
    }));
    const lines = Object.fromEntries([...document.querySelectorAll('.ledger tbody tr')].map((row) => [row.dataset.line, [...row.children].map(text)]));
    const gauges = [...document.querySelectorAll('.gauge')].map((gauge) => ({ order: gauge.dataset.order, value: text(gauge.querySelector('.number')), fill: gauge.querySelector('.fill').style.width }));
    const orders = [...document.querySelectorAll('tr[data-order]')].map((row) => ({ order: row.dataset.order, ...Object.fromEntries([...row.querySelectorAll('td')].map((cell) => [cell.dataset.key, text(cell)])) }));
    const heat = [...document.querySelectorAll('[aria-labelledby="heatmap-title"] tbody tr')].map((row) => [...row.children].map(text));
    const figures = Object.fromEntries([...document.querySelectorAll('#daemon [data-figure]')].map((f) => [f.dataset.figure, [...f.querySelectorAll('dd')].map(text)]));
    return {
      snapshot: document.documentElement.dataset.snapshot, detailSnapshot: document.getElementById('detail').dataset.snapshot, title: text(document.getElementById('detail-title')),
      rows, lines, gauges, orders, heat, figures, notes: [...document.querySelectorAll('.notes li')].map((n) => text(n.lastElementChild)), host: text(document.getElementById('host')),
    };
  });
}
