// SPDX-License-Identifier: Apache-2.0
// The live page: draws the data of the connection, at most once per frame, and manages the selection, the theme and
// the banner with the state of the connection.

import { byId, setAttribute, setHidden, setText } from './lib/dom.js';
import { clock, span } from './lib/format.js';
import { answers, sorted } from './lib/attention.js';
import { Live, getJson } from './lib/live.js';
import { AnswersView } from './views/answers.js';
import { DaemonView } from './views/daemon.js';
import { DetailView } from './views/detail.js';
import { DomainList } from './views/domain_list.js';
import { installHelp } from './views/help.js';
import { Tooltip } from './views/tooltip.js';

const root = document.documentElement;

class Page {
  constructor() {
    const tooltip = new Tooltip();
    this.answers = new AnswersView((label) => this.select(label, { byUser: true }));
    this.list = new DomainList((label, how) => this.select(label, how));
    this.detail = new DetailView(tooltip);
    this.daemon = new DaemonView();
    installHelp();
    this.selected = this.labelInUrl();
    this.pending = { snapshot: null, domain: null, frame: false };
    this.historyDue = 0;
    this.live = new Live({
      snapshot: (id, body) => this.queue('snapshot', { id, body }),
      domain: (id, body) => this.queue('domain', { id, body }),
      state: (state) => this.showState(state),
    });
    this.live.selected = this.selected;
    this.controls();
    this.live.start();
    setInterval(() => this.tick(), 1_000);
  }

  // The selection is part of the URL, so that it can be shared: #domain=4
  labelInUrl() {
    const found = /^#domain=(.+)$/.exec(location.hash);
    if (found === null) return null;
    try {
      return decodeURIComponent(found[1]);
    } catch {
      return null;
    }
  }

  controls() {
    const pause = byId('pause');
    pause.addEventListener('click', () => {
      const paused = !this.live.paused;
      setAttribute(pause, 'aria-pressed', String(paused));
      setText(pause, paused ? 'Resume' : 'Pause');
      // Data that has arrived is drawn first: a paused page shows all of one snapshot.
      this.draw();
      this.live.pause(paused);
    });
    byId('banner-action').addEventListener('click', () => this.live.connect());
    window.addEventListener('hashchange', () => {
      const label = this.labelInUrl();
      if (label !== null) this.select(label, { byUser: false });
    });
    for (const link of document.querySelectorAll('a.skip, a.back')) {
      link.addEventListener('click', (event) => {
        event.preventDefault();
        const target = document.querySelector(link.getAttribute('href'));
        target.scrollIntoView({ block: 'start' });
        const inside = target.id === 'domains' ? target.querySelector('.name[tabindex="0"]') : null;
        (inside ?? target).focus({ preventScroll: true });
      });
    }
    this.themes();
  }

  themes() {
    const button = byId('theme');
    const names = ['system', 'light', 'dark'];
    const show = () => setText(button, `Theme: ${root.dataset.theme ?? 'system'}`);
    show();
    button.addEventListener('click', () => {
      const next = names[(names.indexOf(root.dataset.theme ?? 'system') + 1) % names.length];
      if (next === 'system') delete root.dataset.theme;
      else root.dataset.theme = next;
      try {
        if (next === 'system') localStorage.removeItem('rcached-theme');
        else localStorage.setItem('rcached-theme', next);
      } catch {
        // No storage: the choice is lost when the page is closed.
      }
      show();
      this.restyle();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.restyle());
  }

  restyle() {
    this.detail.heatmap.draw();
    this.detail.charts.restyle();
  }

  // Until the next frame, only the newest message of each kind is kept.
  queue(kind, message) {
    if (this.live.paused) return;
    this.pending[kind] = message;
    if (this.pending.frame) return;
    this.pending.frame = true;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { snapshot, domain } = this.pending;
    this.pending = { snapshot: null, domain: null, frame: false };
    if (snapshot !== null) this.drawSnapshot(snapshot);
    if (domain !== null) this.drawDomain(domain);
  }

  drawSnapshot({ id, body: { domains: summaries, status, notes } }) {
    const { domains } = summaries;
    this.domains = domains;
    this.time = summaries.time;
    this.status = status;
    this.list.update(domains);
    if (this.selected === null && domains.length > 0) this.select(sorted(domains)[0].domain, { byUser: false, silent: true });
    if (domains.length === 0 && this.selected === null) this.detail.show(null);
    this.answers.update(answers(domains, status));
    this.daemon.update(status);
    this.daemon.updateNotes(notes.notes);
    setAttribute(root, 'data-snapshot', id || 'polled');
    this.showReadiness();
    this.showLink();
  }

  drawDomain({ id, body }) {
    this.detail.update(body);
    setAttribute(byId('detail'), 'data-snapshot', id || 'polled');
    if (!body.error && Date.now() >= this.historyDue) void this.loadHistory(this.selected);
  }

  select(label, { byUser, silent = false }) {
    if (label !== this.selected) {
      this.selected = label;
      this.pending.domain = null;
      const { paused } = this.live;
      const summary = this.domains?.find((d) => d.domain === label) ?? null;
      if (summary !== null) this.detail.show(summary, { paused });
      this.detail.charts.clear();
      this.historyDue = 0;
      if (!paused) void this.loadHistory(label);
    }
    this.list.select(label);
    this.daemon.select(label);
    if (!silent) history.replaceState(null, '', `#domain=${encodeURIComponent(label)}`);
    this.live.select(label);
    // On a narrow screen the details are below the list.
    if (byUser && matchMedia('(max-width: 1179px)').matches) {
      byId('detail').scrollIntoView({ block: 'start' });
      byId('detail').focus({ preventScroll: true });
    }
  }

  async loadHistory(label) {
    this.historyDue = Date.now() + 10_000;
    try {
      const answer = await getJson(`/api/v1/domains/${encodeURIComponent(label)}/history`);
      if (label !== this.selected) return;
      if (!answer.ok) {
        this.detail.charts.clear(`No history: ${answer.message}`);
        return;
      }
      this.historyDue = Date.now() + 1000 * Math.max(1, answer.body.interval_seconds);
      this.detail.charts.update(answer.body, this.status?.history.domains_left_out ?? 0);
    } catch {
      this.historyDue = Date.now() + 2_000;
    }
  }

  showReadiness() {
    // The state of the connection is more important.
    if (this.status === undefined || ['stale', 'waiting', 'polling'].includes(this.live.state.name)) return;
    const ready = this.status.ready;
    this.banner(ready ? null : `Not ready: ${this.status.not_ready_reason ?? 'the event source is not running yet'}. The data below may be incomplete.`, 'warn', false);
  }

  showState(state) {
    setAttribute(root, 'data-link', state.name);
    if (state.name === 'stale') {
      this.stale();
    } else if (state.name === 'waiting') {
      this.banner(`No data yet: ${state.reason}.`, 'warn', true);
    } else if (state.name === 'polling') {
      this.banner(`No live updates: ${state.reason}.`, 'warn', true);
    } else {
      this.banner(null);
      this.showReadiness();
    }
    this.showLink();
  }

  stale() {
    const { since, reason } = this.live.state;
    const age = (Date.now() - since) / 1000;
    const sentence = `${reason}${/[.?!]$/.test(reason) ? '' : '.'} Retrying.`;
    this.banner(this.domains === undefined
      ? `No connection to rcached: ${sentence}`
      : `Stale since ${clock(since / 1000)} (${span(age)}): ${sentence}`, 'bad', true);
  }

  banner(text, kind = 'warn', action = false) {
    const banner = byId('banner');
    setHidden(banner, text === null);
    if (text === null) return;
    setAttribute(banner, 'data-kind', kind);
    setText(byId('banner-text'), text);
    setHidden(byId('banner-action'), !action);
  }

  showLink() {
    const { name, since } = this.live.state;
    const number = root.dataset.snapshot;
    const at = this.time === undefined ? '' : ` · ${clock(this.time)}`;
    const snapshot = number && number !== 'polled' ? ` · snapshot ${number}` : '';
    const text = {
      live: `Live${at}`, polling: `Polling${at}`, connecting: 'Connecting…', waiting: 'Waiting for the first snapshot',
      paused: `Paused${at}`, stale: this.time === undefined ? 'No connection' : `Stale since ${clock(since / 1000)}`,
    }[name];
    setText(byId('link-text'), text);
    setAttribute(byId('link'), 'title', `${text}${snapshot}`);
  }

  tick() {
    if (this.live.state.name === 'stale') this.stale();
    this.showLink();
  }
}

new Page();
