// SPDX-License-Identifier: Apache-2.0
// What the browser tests share: the browser, pages that fail a test on any console error and on any request to
// another host, the mock, the real daemon, and waiting for conditions.
// Environment, set by tests/web/run: RCACHED_WEB_MODULES (folder with node_modules), RCACHED_WEB_DIST (the built
// page), RCACHED_BINARY, CHROMIUM. RCACHED_WEB_SLOWDOWN=20 makes Chromium run the pages 20 times slower.
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

// The only limit on any wait in these tests. It ends a test that hangs. No test passes or fails because of how long
// something takes: every wait is for a condition.
export const HANG_MS = 600_000;

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 360, height: 780 };

export async function launch() {
  return chromium.launch({ executablePath: env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, timeout: HANG_MS });
}

// For conditions outside the page; inside it, page.waitForFunction() does the same.
export async function until(condition, what) {
  const deadline = Date.now() + HANG_MS;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

// A page in a context of its own.
//   expected    console messages that are not errors in this test
//   fakeClock   the page's time can be advanced with page.clock
//   init        runs in the page before its own scripts
// `guard.problems` collects what must not happen; guard.clean() asserts that nothing did. `requests` are those that
// the page has sent and that have not ended, streams among them.
export async function openPage(browser, url, { viewport = DESKTOP, colorScheme = 'light', reducedMotion = 'no-preference', expected = [], javaScriptEnabled = true, fakeClock = false, fixedTime = null, init = null } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion, timezoneId: 'UTC', locale: 'en-US', hasTouch: viewport.width < 500, javaScriptEnabled });
  context.setDefaultTimeout(HANG_MS);
  const { origin } = new URL(url);
  const guard = { problems: [], clean: () => assert.deepEqual(guard.problems, []) };
  const note = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) guard.problems.push(text);
  };
  await context.route((target) => target.origin !== origin && target.protocol !== 'data:', (route) => {
    note(`request to another host: ${route.request().url()}`);
    return route.abort();
  });
  const page = await context.newPage();
  const requests = new Set();
  page.on('request', (request) => requests.add(request));
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => requests.delete(request));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') note(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => note(`exception: ${error.stack}`));
  if (env.RCACHED_WEB_SLOWDOWN) {
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: Number(env.RCACHED_WEB_SLOWDOWN) });
  }
  if (fakeClock) await page.clock.install();
  if (fixedTime !== null) await page.clock.setFixedTime(fixedTime);
  if (init !== null) await page.addInitScript(init);
  await page.goto(url, { waitUntil: 'load' });
  return { page, guard, requests, close: () => context.close() };
}

export async function mock(options) {
  return new MockDaemon(env.RCACHED_WEB_DIST, options).start();
}

// Waits until the page has drawn a snapshot (this one, if a number is given), and the details that belong to it.
export async function drawn(page, number = null) {
  await page.waitForFunction((n) => {
    const id = document.documentElement.dataset.snapshot;
    const detail = document.getElementById('detail');
    return id !== undefined && (n === null || id === n) && (detail.hidden || detail.dataset.snapshot === id);
  }, number === null ? null : String(number));
}

// Waits until the history of the selected domain is drawn: it arrives by a request of its own.
export async function charted(page) {
  await page.waitForSelector('[data-chart="overflows"] canvas');
}

export async function publish(page, daemon) {
  daemon.publish();
  await drawn(page, daemon.number);
}

// Layout, resize observers and scroll events are done after this.
export async function nextFrame(page) {
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
}

export function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => { body += piece; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    }).on('error', reject);
  });
}

async function freePort() {
  const probe = net.createServer();
  await new Promise((resolve) => { probe.listen(0, '127.0.0.1', resolve); });
  const { port } = probe.address();
  await new Promise((resolve) => { probe.close(resolve); });
  return port;
}

// `rcached run` on the synthetic source. Resolves when it is ready.
export async function startDaemon(synthetic) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rcached-web-'));
  const config = path.join(folder, 'config.yaml');
  const lines = ['source: synthetic', `run_directory: ${folder}/run`, 'synthetic:', ...Object.entries(synthetic).map(([key, value]) => `  ${key}: ${value}`), ''];
  fs.writeFileSync(config, lines.join('\n'));
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}/`;
  const child = spawn(env.RCACHED_BINARY, ['run', '--config', config, '--listen', address], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (piece) => { log += piece; });
  const ended = new Promise((resolve) => { child.on('exit', resolve); });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`rcached has ended:\n${log}`);
    return (await get(`${url}-/ready`).catch(() => null))?.status === 200;
  }, 'rcached is ready');
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
      await ended;
      clearTimeout(limit);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
