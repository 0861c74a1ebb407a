// SPDX-License-Identifier: Apache-2.0
// The connection to the daemon: one stream of server-sent events, closed while the page is hidden or paused so
// that nothing piles up, opened again after a loss. When the daemon has no stream to spare, it is asked every
// few seconds instead.
//
// States: connecting, live, polling (no stream to be had), stale (nothing comes), paused, waiting (the daemon
// answers, but has no picture yet).

const POLL_MS = 5_000;
const RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 10_000;
const STREAM_RETRY_POLLS = 3;  // while polling, the stream is tried again after so many
const SELECT_MS = 300;         // a selection that lasts shorter opens no stream of its own
const PEEK_MS = 1_500;       // a stream that brings nothing at first: ask why
const SILENCE_MS = 8_000;      // then the daemon is asked whether there is nothing new
const LONGEST_SILENCE_MS = 200_000;

export async function getJson(path, signal) {
  const response = await fetch(path, { signal, cache: 'no-store', headers: { Accept: 'application/json' } });
  let body = null;
  try {
    body = await response.json();
  } catch {
    body = null;
  }
  if (response.ok && body !== null) return { ok: true, status: response.status, body };
  const error = body?.error ?? {};
  return { ok: false, status: response.status, message: error.message ?? `the daemon answered ${response.status}`, hint: error.hint ?? '' };
}

export class Live {
  // on: {snapshot(id, {domains, status, notes}), domain(id, body), state({name, since, reason})}
  constructor(on, { now = () => Date.now(), visible = () => document.visibilityState !== 'hidden' } = {}) {
    this.on = on;
    this.now = now;
    this.visible = visible;
    this.selected = null;
    this.paused = false;
    this.source = null;
    this.timers = new Map();
    this.lastData = null;  // ms, when the last data came
    this.lastTime = null;  // the daemon's, of the last snapshot
    this.patience = SILENCE_MS;
    this.asking = false;
    this.failures = 0;
    this.polls = 0;
    this.state = { name: 'connecting', since: this.now(), reason: '' };
  }

  start() {
    document.addEventListener('visibilitychange', () => this.settle());
    window.addEventListener('online', () => this.settle());
    this.watchdog = setInterval(() => this.watch(), 1_000);
    this.settle();
  }

  // Which domain's details come along; null: none.
  select(label) {
    if (label === this.selected) return;
    this.selected = label;
    if (this.paused || !this.visible()) return;
    if (label !== null) void this.fetchDomain(label);
    this.later('select', SELECT_MS, () => this.settle());
  }

  pause(paused) {
    this.paused = paused;
    this.settle();
  }

  // Opens or closes the stream as the page's state wants it.
  settle() {
    this.close();
    if (this.paused) {
      this.enter('paused', 'updates are paused');
      return;
    }
    if (!this.visible()) return;
    if (this.lastData === null) this.enter('connecting', '');
    else if (this.state.name === 'paused') this.enter('connecting', 'resuming');
    this.open();
  }

  close() {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.source?.close();
    this.source = null;
    this.polling?.abort();
    this.polling = null;
  }

  open() {
    const query = this.selected === null ? '' : `?domain=${encodeURIComponent(this.selected)}`;
    const source = new EventSource(`/api/v1/stream${query}`);
    this.source = source;
    this.opened = this.now();
    let delivered = false;
    source.addEventListener('snapshot', (event) => {
      delivered = true;
      this.arrived();
      const body = JSON.parse(event.data);
      this.lastTime = body.status?.time ?? null;
      this.on.snapshot(event.lastEventId, body);
    });
    source.addEventListener('domain', (event) => {
      this.arrived();
      this.on.domain(event.lastEventId, JSON.parse(event.data));
    });
    if (this.lastData === null) this.later('peek', PEEK_MS, () => void this.peek(source));
    source.onerror = () => {
      if (this.source !== source) return;
      // Not left to the browser, which gives up after some answers and tells no reason.
      source.close();
      this.source = null;
      if (!delivered) {
        void this.ask();
        return;
      }
      this.enter('stale', 'the connection was lost');
      this.later('retry', RETRY_MS / 4, () => this.open());
    };
  }

  arrived() {
    this.lastData = this.now();
    this.failures = 0;
    this.enter('live', '');
  }

  // The stream is open and empty: before its first picture the daemon says why elsewhere.
  async peek(source) {
    try {
      const answer = await getJson('/api/v1/status');
      if (this.source === source && this.lastData === null && answer.status === 503) this.enter('waiting', answer.message);
    } catch {
      // The stream will tell.
    }
  }

  // The stream is gone: find out why by asking plainly, and show what comes.
  async ask() {
    const polling = new AbortController();
    this.polling = polling;
    const limit = setTimeout(() => polling.abort(), SILENCE_MS);
    try {
      const paths = ['/api/v1/domains', '/api/v1/status', '/api/v1/notes'];
      const [domains, status, notes] = await Promise.all(paths.map((path) => getJson(path, polling.signal)));
      if (this.polling !== polling) return;
      const failed = [domains, status, notes].find((answer) => !answer.ok);
      if (failed) {
        this.enter(failed.status === 503 && this.lastData === null ? 'waiting' : 'stale', failed.message + (failed.hint ? `; ${failed.hint}` : ''));
        this.retry();
        return;
      }
      this.lastData = this.now();
      this.failures = 0;
      this.enter('polling', 'the daemon has no stream to spare (http.streams): it is asked every 5 s instead');
      this.on.snapshot('', { domains: domains.body, status: status.body, notes: notes.body });
      if (this.selected !== null) await this.fetchDomain(this.selected, polling.signal);
      if (this.polling !== polling) return;
      const streamNext = ++this.polls % STREAM_RETRY_POLLS === 0;
      this.later('poll', POLL_MS, () => (streamNext ? this.open() : void this.ask()));
    } catch {
      if (this.polling !== polling) return;
      this.enter('stale', 'the daemon does not answer: is it running?');
      this.retry();
    } finally {
      clearTimeout(limit);
    }
  }

  retry() {
    const wait = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** Math.min(this.failures++, 3));
    this.later('retry', wait, () => this.open());
  }

  async fetchDomain(label, signal) {
    try {
      const answer = await getJson(`/api/v1/domains/${encodeURIComponent(label)}`, signal);
      if (this.selected !== label || this.paused) return;
      this.on.domain('', answer.ok ? answer.body : { error: { message: answer.message, hint: answer.hint } });
    } catch {
      // The stream will say that the connection is lost.
    }
  }

  // A connection can die without a word: a machine that vanished, a proxy that swallowed it. Or there is nothing
  // new: then the daemon says the same time as before, and is left alone for longer.
  async watch() {
    const { source } = this;
    if (this.paused || !this.visible() || source === null || this.asking) return;
    if (this.now() - Math.max(this.lastData ?? 0, this.opened) < this.patience) return;
    this.asking = true;
    const same = await this.nothingNew();
    this.asking = false;
    if (this.source !== source) return;
    if (same) {
      this.patience = Math.min(LONGEST_SILENCE_MS, 2 * this.patience);
      return;
    }
    source.close();
    this.source = null;
    this.enter('stale', 'the stream fell silent');
    void this.ask();
  }

  async nothingNew() {
    const giveUp = new AbortController();
    const limit = setTimeout(() => giveUp.abort(), SILENCE_MS);
    try {
      const answer = await getJson('/api/v1/status', giveUp.signal);
      // Before the first picture there is none to compare with.
      return answer.ok ? answer.body.time === this.lastTime : answer.status === 503 && this.lastData === null;
    } catch {
      return false;
    } finally {
      clearTimeout(limit);
    }
  }

  later(name, ms, action) {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(action, ms));
  }

  enter(name, reason) {
    const since = name === 'stale' || name === 'paused' ? this.lastData ?? this.state.since : this.now();
    const changed = name !== this.state.name || reason !== this.state.reason;
    if (name === this.state.name && !changed) return;
    this.state = { name, since, reason };
    this.on.state(this.state);
  }
}
