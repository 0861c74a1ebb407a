// SPDX-License-Identifier: Apache-2.0
// The connection to the daemon: one stream of server-sent events. It is closed while the page is hidden or paused,
// so that no snapshots queue up, and reopened after it was lost. When the daemon has no free stream, the page polls
// the API instead.
//
// States: connecting, live, polling (no stream is free), stale (no data arrives), paused, waiting (the daemon
// answers, but has taken no snapshot yet).

const POLL_MS = 5_000;
const POLLS_PER_STREAM_RETRY = 3;
const RETRY_MS = 2_000;
const MAX_RETRY_MS = 10_000;
const SELECT_DELAY_MS = 300;  // a domain that is selected for less than this gets no stream
const FIRST_DATA_MS = 1_500;  // after that long without any data, ask why
const SILENCE_MS = 8_000;     // after that long without new data, ask whether there is any
const MAX_SILENCE_MS = 200_000;

export async function getJson(path, signal) {
  const response = await fetch(path, { signal, cache: 'no-store', headers: { Accept: 'application/json' } });
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return { ok: true, status: response.status, body };
  const error = body?.error ?? {};
  return { ok: false, status: response.status, message: error.message ?? `the daemon answered with status ${response.status}`, hint: error.hint ?? '' };
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
    this.lastData = null;     // ms: when data arrived last
    this.lastTime = null;     // the daemon's time of the last snapshot
    this.domainEvents = 0;    // how many the streams have delivered for the selected domain
    this.silenceLimit = SILENCE_MS;
    this.mayBeStuck = false;  // the daemon has newer data than this stream has delivered
    this.checking = false;
    this.failures = 0;
    this.polls = 0;
    this.state = { name: 'connecting', since: this.now(), reason: '' };
  }

  start() {
    document.addEventListener('visibilitychange', () => this.connect());
    window.addEventListener('online', () => this.connect());
    setInterval(() => this.checkSilence(), 1_000);
    this.connect();
  }

  // The domain whose details are delivered along with each snapshot; null for none.
  select(label) {
    if (label === this.selected) return;
    this.selected = label;
    if (this.paused || !this.visible()) return;
    if (label !== null) void this.fetchDomain(label);
    this.schedule('select', SELECT_DELAY_MS, () => this.connect());
  }

  pause(paused) {
    this.paused = paused;
    this.connect();
  }

  // Closes what is open. Opens a stream unless the page is paused or hidden.
  connect() {
    this.close();
    if (this.paused) {
      this.setState('paused', 'updates are paused');
      return;
    }
    if (!this.visible()) return;
    if (this.lastData === null) this.setState('connecting', '');
    else if (this.state.name === 'paused') this.setState('connecting', 'resuming');
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
    const label = this.selected;
    const query = label === null ? '' : `?domain=${encodeURIComponent(label)}`;
    const source = new EventSource(`/api/v1/stream${query}`);
    this.source = source;
    this.opened = this.now();
    this.mayBeStuck = false;
    let delivered = false;
    source.addEventListener('snapshot', (event) => {
      delivered = true;
      this.dataArrived();
      const body = JSON.parse(event.data);
      this.lastTime = body.status?.time ?? null;
      this.on.snapshot(event.lastEventId, body);
    });
    source.addEventListener('domain', (event) => {
      this.dataArrived();
      if (label !== this.selected) return;
      ++this.domainEvents;
      this.on.domain(event.lastEventId, JSON.parse(event.data));
    });
    if (this.lastData === null) this.schedule('first data', FIRST_DATA_MS, () => void this.explainNoData(source));
    source.onerror = () => {
      if (this.source !== source) return;
      // The browser's own reconnection gives up after some responses and reports no reason.
      source.close();
      this.source = null;
      if (!delivered) {
        void this.poll();
        return;
      }
      this.setState('stale', 'the connection was lost');
      this.schedule('retry', RETRY_MS / 4, () => this.open());
    };
  }

  dataArrived() {
    this.lastData = this.now();
    this.mayBeStuck = false;
    this.failures = 0;
    this.setState('live', '');
  }

  // The stream is open and nothing has arrived. If there is no snapshot yet, the status request gives the reason.
  async explainNoData(source) {
    if (this.lastData !== null) return;
    try {
      const answer = await getJson('/api/v1/status');
      if (this.source === source && this.lastData === null && answer.status === 503) this.setState('waiting', answer.message);
    } catch {
      // The stream's own error handler deals with it.
    }
  }

  // There is no stream. Plain requests give the data, or the reason why there is none.
  async poll() {
    const polling = new AbortController();
    this.polling = polling;
    const limit = setTimeout(() => polling.abort(), SILENCE_MS);
    try {
      const paths = ['/api/v1/domains', '/api/v1/status', '/api/v1/notes'];
      const [domains, status, notes] = await Promise.all(paths.map((path) => getJson(path, polling.signal)));
      if (this.polling !== polling) return;
      const failed = [domains, status, notes].find((answer) => !answer.ok);
      if (failed) {
        this.setState(failed.status === 503 && this.lastData === null ? 'waiting' : 'stale', failed.message + (failed.hint ? `; ${failed.hint}` : ''));
        this.retry();
        return;
      }
      this.lastData = this.now();
      this.failures = 0;
      this.setState('polling', `all event streams are in use (http.streams), so the page polls every ${POLL_MS / 1000} s`);
      this.on.snapshot('', { domains: domains.body, status: status.body, notes: notes.body });
      if (this.selected !== null) await this.fetchDomain(this.selected, polling.signal);
      if (this.polling !== polling) return;
      const tryStream = ++this.polls % POLLS_PER_STREAM_RETRY === 0;
      this.schedule('poll', POLL_MS, () => (tryStream ? this.open() : void this.poll()));
    } catch {
      if (this.polling !== polling) return;
      this.setState('stale', 'the daemon does not answer; is it running?');
      this.retry();
    } finally {
      clearTimeout(limit);
    }
  }

  retry() {
    const delay = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(this.failures++, 3));
    this.schedule('retry', delay, () => this.open());
  }

  async fetchDomain(label, signal) {
    const { domainEvents } = this;
    try {
      const answer = await getJson(`/api/v1/domains/${encodeURIComponent(label)}`, signal);
      if (this.selected !== label || this.paused) return;
      // The stream has been faster: this answer is older than what is shown.
      if (this.domainEvents !== domainEvents) return;
      this.on.domain('', answer.ok ? answer.body : { error: { message: answer.message, hint: answer.hint } });
    } catch {
      // If the connection is lost, the stream's error handler says so.
    }
  }

  // A stream can die unnoticed: the host vanished, or a proxy buffers it. Or there is no new snapshot: then the
  // daemon still reports the time of the last one, and the next check is later. A newer time may be that of a
  // snapshot that is on its way, so it counts only if the stream has not delivered it by the next check.
  async checkSilence() {
    const { source } = this;
    if (this.paused || !this.visible() || source === null || this.checking) return;
    if (this.now() - Math.max(this.lastData ?? 0, this.opened) < this.silenceLimit) return;
    const { lastData } = this;
    this.checking = true;
    const found = await this.compareWithDaemon();
    this.checking = false;
    if (this.source !== source || this.lastData !== lastData) return;
    if (found === 'same') {
      this.silenceLimit = Math.min(MAX_SILENCE_MS, 2 * this.silenceLimit);
    } else if (found === 'newer' && !this.mayBeStuck) {
      this.mayBeStuck = true;
    } else {
      source.close();
      this.source = null;
      this.setState('stale', 'the event stream has stopped');
      void this.poll();
    }
  }

  // 'same': the daemon has no snapshot newer than the last one here; 'newer': it has; 'no answer'.
  async compareWithDaemon() {
    const giveUp = new AbortController();
    const limit = setTimeout(() => giveUp.abort(), SILENCE_MS);
    try {
      const answer = await getJson('/api/v1/status', giveUp.signal);
      if (answer.ok) return answer.body.time === this.lastTime ? 'same' : 'newer';
      return answer.status === 503 && this.lastData === null ? 'same' : 'no answer';
    } catch {
      return 'no answer';
    } finally {
      clearTimeout(limit);
    }
  }

  schedule(name, ms, action) {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(action, ms));
  }

  setState(name, reason) {
    if (name === this.state.name && reason === this.state.reason) return;
    const since = name === 'stale' || name === 'paused' ? this.lastData ?? this.state.since : this.now();
    this.state = { name, since, reason };
    this.on.state(this.state);
  }
}
