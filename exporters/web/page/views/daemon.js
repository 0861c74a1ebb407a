// SPDX-License-Identifier: Apache-2.0
// The daemon: what it costs this host, the events it has lost, and its notes.

import { byId, dataRow, dataTable, h, keyed, setHidden, setText, updateFacts } from '../lib/dom.js';
import { UNKNOWN, bytes, clock, count, dateTime, duration, percent, plural, rate, span, words } from '../lib/format.js';
import { helpedHeading } from './help.js';

const LOSSES = { ring_full: 'ring full', entry_missing: 'entry missing', skipped: 'program skipped', malformed: 'malformed' };

// Costs per second between two statuses; null when they are the same or the daemon has been restarted.
function costsBetween(before, now) {
  if (before === null || before.started !== now.started || !(now.time > before.time)) return null;
  const seconds = now.time - before.time;
  const per = (pick) => {
    const [a, b] = [pick(before), pick(now)];
    return a === null || b === null || a === undefined || b === undefined ? null : Math.max(0, (b - a) / seconds);
  };
  return {
    cpu: per((s) => s.process.cpu_seconds), events: per((s) => s.events.applied), lost: per((s) => s.events.lost),
    reader: per((s) => s.reader?.seconds ?? null), probes: per((s) => (s.programs.some((p) => p.runs > 0) ? s.programs.reduce((n, p) => n + (p.seconds ?? 0), 0) : null)),
  };
}

export class DaemonView {
  constructor() {
    this.figures = h('dl', { class: 'figures' });
    this.programs = dataTable('Probe programs', ['function', 'method', 'runs', 'time per run', 'skipped']);
    this.cpus = dataTable('Events per CPU', ['CPU', 'sent', 'received', 'ring full', 'entry missing']);
    this.notes = h('ol', { class: 'notes' });
    this.noNotes = h('p', { class: 'muted' }, 'No notes since the daemon started.');
    this.only = h('input', { type: 'checkbox', id: 'notes-only' });
    this.only.addEventListener('change', () => this.renderNotes());
    byId('daemon').append(
      h('div', { class: 'daemon-part' }, ...helpedHeading(2, 'rcached daemon', 'daemon', 'What do these figures mean?'), this.figures,
        h('details', {}, h('summary', {}, 'Probe programs'), this.programs.root),
        h('details', {}, h('summary', {}, 'Events per CPU'), this.cpus.root)),
      h('section', { class: 'daemon-part', 'aria-labelledby': 'notes-title' },
        h('div', { class: 'section-head' }, h('h2', { id: 'notes-title' }, 'Notes'), h('label', { class: 'aside' }, this.only, ' selected domain only')),
        h('div', { class: 'scroll notes-box', tabindex: '0', role: 'region', 'aria-label': 'Notes, newest first' }, this.notes, this.noNotes)));
    this.window = [];
    this.selected = null;
    this.list = [];
  }

  select(label) {
    this.selected = label;
    this.renderNotes();
  }

  // Rates are averages over up to 10 s, so that the figures do not jump.
  update(status) {
    this.window = this.window.filter((s) => s.started === status.started && s.time < status.time && status.time - s.time <= 10);
    const costs = costsBetween(this.window[0] ?? null, status);
    this.window.push(status);
    const { events, process, reader, history } = status;
    const lostBy = Object.entries(events.lost_by).filter(([, n]) => n > 0).map(([key, n]) => `${LOSSES[key] ?? key} ${count(n)}`);
    const ratio = (value) => (value === null || value === undefined ? UNKNOWN : percent(value));
    updateFacts(this.figures, [
      ['CPU', ratio(costs?.cpu), { more: process.cpu_seconds === null ? 'unavailable' : `of one CPU, over the last 10 s; ${duration(process.cpu_seconds)} since the start` }],
      ['memory', bytes(process.resident_bytes), { more: `resident; ${process.open_fds === null ? 'open files unavailable' : plural(process.open_fds, 'open file')}` }],
      ['events', costs === null ? UNKNOWN : rate(costs.events), { more: `${count(events.applied)} applied, ${count(events.received)} received of ${count(events.sent)} sent` }],
      ['lost events', count(events.lost), { more: lostBy.length === 0 ? 'none since the start' : lostBy.join(', ') + (costs?.lost ? `; now ${rate(costs.lost)}` : ''), critical: costs?.lost > 0 }],
      ['lag', duration(events.lag_seconds), { more: 'age of the oldest event not yet applied at the last drain' }],
      ['kernel memory reads', reader === null ? 'none' : ratio(costs?.reader), {
        more: reader === null
          ? 'this source has no kernel memory to read'
          : `of one CPU, budget ${percent(reader.budget_seconds_per_second)}; ${plural(reader.reads, 'read')}, longest ${duration(reader.longest_seconds)}, ${count(reader.changed)} changed meanwhile, ${count(reader.faults)} failed`,
      }],
      ['probes', ratio(costs?.probes), { more: costs?.probes === null || costs === null ? 'needs kernel.run_statistics' : 'of one CPU, all programs together' }],
      ['history', `${count(history.points)} points`, { more: `one every ${span(history.interval_seconds)}${history.domains_left_out > 0 ? `; ${plural(history.domains_left_out, 'domain')} left out` : ''}` }],
    ]);
    this.tables(status);
    this.header(status);
  }

  tables(status) {
    keyed(this.programs.body, status.programs.map((p, i) => ({ ...p, i })), (p) => p.i, () => dataRow(4), (row, p) => {
      const values = [p.function, p.method, count(p.runs), p.runs > 0 ? duration(p.seconds / p.runs) : UNKNOWN, p.skipped === null ? 'unknown' : count(p.skipped)];
      values.forEach((value, i) => setText(row.children[i], value));
    });
    keyed(this.cpus.body, status.cpus, (c) => c.cpu, () => dataRow(4), (row, c) => {
      [c.cpu, c.sent, c.received, c.ring_full, c.entry_missing].forEach((value, i) => setText(row.children[i], count(value)));
    });
  }

  header({ kernel, source, mode, version, started, time }) {
    const depot = kernel.depot === 'bounded' ? 'bounded depots' : 'unbounded depots';
    setText(byId('host'), [`kernel ${kernel.release}`, plural(kernel.online_cpus, 'CPU'), `${depot}, magazines of ${kernel.magazine_capacity}`, source === 'kernel' ? `mode ${mode}` : `source ${source}`].join(' · '));
    setText(byId('foot-version'), `rcached ${version}, up ${span(time - started)}, since ${dateTime(started)}`);
  }

  updateNotes(list) {
    this.list = list;
    this.renderNotes();
  }

  renderNotes() {
    const shown = this.only.checked ? this.list.filter((n) => n.domain === this.selected) : this.list;
    keyed(this.notes, shown.slice(0, 100), (n) => n.number, (n) => h('li', {}, h('time', { datetime: new Date(n.time * 1000).toISOString() }, clock(n.time)),
      h('span', { class: 'kind' }, words(n.kind)), h('span', {}, n.domain === null ? '' : h('b', {}, `domain ${n.domain}: `), n.text)), () => {});
    setHidden(this.noNotes, shown.length > 0);
    setText(this.noNotes, this.only.checked && this.list.length > 0 ? 'No notes for this domain.' : 'No notes since the daemon started.');
  }
}
