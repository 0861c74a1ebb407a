// SPDX-License-Identifier: Apache-2.0
// The connection to the daemon, with a simulated clock, timers, EventSource and fetch.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import { Live } from '../../../exporters/web/page/lib/live.js';

let sources;
let answer;
let asked;
let hidden;
let listeners;

class FakeSource {
  constructor(url) {
    this.url = url;
    this.closed = false;
    this.handlers = {};
    sources.push(this);
  }
  addEventListener(name, handler) { this.handlers[name] = handler; }
  close() { this.closed = true; }
  give(name, body, id = '1') { this.handlers[name]({ data: JSON.stringify(body), lastEventId: id }); }
}

// A simulated clock: node 18 has no mock timers.
const clock = {
  now: 0, jobs: new Map(), next: 1,
  add(action, ms, every) { this.jobs.set(this.next, { action, at: this.now + ms, every }); return this.next++; },
  run(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.jobs].filter(([, j]) => j.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      const [id, job] = due;
      this.now = job.at;
      if (job.every) job.at += job.every;
      else this.jobs.delete(id);
      job.action();
    }
    this.now = end;
  },
};

const realTimeout = globalThis.setTimeout;
const settle = () => new Promise((resolve) => { realTimeout(resolve, 0); });
const json = (status, body) => ({ ok: status === 200, status, json: async () => body });
const open = () => sources.filter((s) => !s.closed);

function start(selected = null) {
  const got = { snapshots: [], domains: [], states: [] };
  let now = 1_000_000;
  const live = new Live({
    snapshot: (id, body) => got.snapshots.push([id, body]),
    domain: (id, body) => got.domains.push([id, body]),
    state: (s) => got.states.push(s.name),
  }, { now: () => now, visible: () => !hidden });
  live.selected = selected;
  live.start();
  const pass = async (ms) => {
    for (let left = ms; left > 0; left -= 500) {
      now += Math.min(left, 500);
      clock.run(Math.min(left, 500));
      await settle();
    }
  };
  return { live, got, pass };
}

beforeEach(() => {
  sources = [];
  asked = [];
  hidden = false;
  listeners = {};
  clock.jobs.clear();
  mock.restoreAll();
  answer = () => { throw new TypeError('connection refused'); };
  Object.assign(globalThis, {
    EventSource: FakeSource, window: { addEventListener() {} }, document: { addEventListener: (name, f) => { listeners[name] = f; } },
    fetch: async (path) => { asked.push(path); return answer(path); },
  });
  mock.method(globalThis, 'setTimeout', (action, ms) => clock.add(action, ms));
  mock.method(globalThis, 'clearTimeout', (id) => clock.jobs.delete(id));
  mock.method(globalThis, 'setInterval', (action, ms) => clock.add(action, ms, ms));
});

test('there is one stream, and it names the selected domain', () => {
  const { got } = start('iovad-2 &');
  assert.deepEqual(sources.map((s) => s.url), ['/api/v1/stream?domain=iovad-2%20%26']);
  sources[0].give('snapshot', { a: 1 }, '7');
  sources[0].give('domain', { b: 2 }, '7');
  assert.deepEqual(got.snapshots, [['7', { a: 1 }]]);
  assert.deepEqual(got.domains, [['7', { b: 2 }]]);
  assert.deepEqual(got.states, ['live']);
});

test('a lost stream: stale at once, then a new stream', async () => {
  const { live, got, pass } = start();
  sources[0].give('snapshot', {});
  sources[0].onerror();
  assert.equal(live.state.name, 'stale');
  assert.equal(live.state.since, 1_000_000);
  await pass(500);
  assert.equal(open().length, 1);
  sources[1].give('snapshot', {});
  assert.deepEqual(got.states, ['live', 'stale', 'live']);
});

test('while nothing answers, retries become less frequent, and there is never more than one stream', async () => {
  const { live, pass } = start();
  for (let i = 0; i < 12; ++i) {
    open()[0]?.onerror();
    await settle();
    assert.equal(live.state.name, 'stale');
    assert.ok(open().length <= 1);
    await pass(2_000);
  }
  assert.ok(sources.length >= 4 && sources.length <= 8, `${sources.length} tries in 24 s`);
});

test('before the first snapshot: the reason, and the stream stays open', async () => {
  const { live, pass } = start();
  answer = () => json(503, { error: { message: 'no snapshot yet', hint: '' } });
  await pass(1_500);
  assert.equal(live.state.name, 'waiting');
  assert.equal(live.state.reason, 'no snapshot yet');
  assert.equal(open().length, 1);
  sources[0].give('snapshot', {});
  assert.equal(live.state.name, 'live');
});

test('without a free stream the page polls every 5 s, and tries the stream again', async () => {
  const { live, got, pass } = start('4');
  answer = (path) => json(200, { path });
  sources[0].onerror();
  await settle();
  assert.equal(live.state.name, 'polling');
  assert.equal(got.snapshots.length, 1);
  assert.deepEqual(got.snapshots[0][1].status, { path: '/api/v1/status' });
  assert.deepEqual(got.domains, [['', { path: '/api/v1/domains/4' }]]);
  await pass(10_000);
  assert.equal(got.snapshots.length, 3);
  await pass(5_000);
  assert.equal(open().length, 1, 'the stream is tried again');
  open()[0].give('snapshot', {});
  assert.equal(live.state.name, 'live');
});

test('a stream that delivers nothing is closed when the daemon does not answer either', async () => {
  const { live, pass } = start();
  sources[0].give('snapshot', {});
  await pass(7_000);
  assert.equal(live.state.name, 'live');
  await pass(2_000);
  assert.equal(live.state.name, 'stale');
  assert.ok(sources[0].closed);
});

test('snapshots that are far apart do not make the stream stale: the daemon has none that is newer', async () => {
  const { live, got, pass } = start();
  let time = 0;
  answer = () => json(200, { time });
  for (let i = 0; i < 4; ++i) {
    time += 60;
    sources[0].give('snapshot', { status: { time } });
    await pass(60_000);
  }
  assert.deepEqual(got.states, ['live']);
  assert.equal(sources.length, 1);
  assert.ok(asked.length <= 4, `asked ${asked.length} times in 4 minutes`);
  assert.equal(live.silenceLimit, 64_000);
});

test('a stream that delivers nothing while the daemon takes snapshots is replaced', async () => {
  const { live, pass } = start();
  sources[0].give('snapshot', { status: { time: 1 } });
  answer = () => json(200, { time: 9 });
  await pass(9_000);
  assert.ok(sources[0].closed);
  assert.equal(live.state.name, 'polling', 'what the requests bring is shown');
});

test('a hidden page has no stream and sends no request', async () => {
  const { pass } = start();
  sources[0].give('snapshot', {});
  hidden = true;
  listeners.visibilitychange();
  assert.equal(open().length, 0);
  await pass(60_000);
  assert.equal(sources.length, 1);
  assert.deepEqual(asked, []);
  hidden = false;
  listeners.visibilitychange();
  assert.equal(open().length, 1);
});

test('pausing closes the stream, resuming opens one', async () => {
  const { live, pass } = start();
  sources[0].give('snapshot', {});
  live.pause(true);
  assert.equal(live.state.name, 'paused');
  assert.equal(open().length, 0);
  await pass(60_000);
  assert.equal(sources.length, 1);
  live.select('9');
  assert.deepEqual(asked, [], 'a paused page sends no request');
  live.pause(false);
  assert.deepEqual(open().map((s) => s.url), ['/api/v1/stream?domain=9']);
});

test('selecting several domains in quick succession opens one stream', async () => {
  const { live, pass } = start('1');
  sources[0].give('snapshot', {});
  answer = () => json(200, {});
  for (const label of ['2', '3', '4']) live.select(label);
  assert.deepEqual(asked, ['/api/v1/domains/2', '/api/v1/domains/3', '/api/v1/domains/4']);
  assert.equal(sources.length, 1);
  await pass(500);
  assert.deepEqual(open().map((s) => s.url), ['/api/v1/stream?domain=4']);
  assert.equal(sources.length, 2);
});

test('an answer for a domain that is no longer selected is dropped', async () => {
  const { live, got } = start('1');
  answer = (path) => json(200, { path });
  live.select('2');
  live.select('3');
  await settle();
  assert.deepEqual(got.domains.map(([, body]) => body.path), ['/api/v1/domains/3']);
});

test('a snapshot that is on its way does not make the stream look stuck', async () => {
  const { live, got, pass } = start();
  sources[0].give('snapshot', { status: { time: 1 } });
  answer = () => json(200, { time: 2 });
  await pass(8_000);
  assert.deepEqual(asked, ['/api/v1/status'], 'the daemon has a newer snapshot');
  sources[0].give('snapshot', { status: { time: 2 } });
  await pass(2_000);
  assert.equal(live.state.name, 'live');
  assert.deepEqual(got.states, ['live']);
  assert.deepEqual(open(), [sources[0]]);
});

test('a snapshot that arrives during the check counts', async () => {
  const { got, pass } = start();
  sources[0].give('snapshot', { status: { time: 1 } });
  let respond;
  answer = () => new Promise((resolve) => { respond = resolve; });
  await pass(8_000);
  sources[0].give('snapshot', { status: { time: 3 } });
  respond(json(200, { time: 2 }));
  await pass(2_000);
  assert.deepEqual(got.states, ['live']);
  assert.deepEqual(open(), [sources[0]]);
});

test('a late answer does not replace what the stream has delivered', async () => {
  const { live, got, pass } = start('1');
  sources[0].give('snapshot', {});
  let respond;
  answer = () => new Promise((resolve) => { respond = resolve; });
  live.select('2');
  await pass(500);
  open()[0].give('domain', { from: 'stream' }, '7');
  respond(json(200, { from: 'request' }));
  await settle();
  assert.deepEqual(got.domains, [['7', { from: 'stream' }]]);
});

test('events of the domain that was selected before are dropped, and do not hide the answer', async () => {
  const { live, got } = start('1');
  sources[0].give('snapshot', {});
  let respond;
  answer = () => new Promise((resolve) => { respond = resolve; });
  live.select('2');
  sources[0].give('domain', { from: 'old stream' }, '7');
  respond(json(200, { from: 'request' }));
  await settle();
  assert.deepEqual(got.domains, [['', { from: 'request' }]]);
});
