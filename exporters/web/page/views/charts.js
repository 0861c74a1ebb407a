// SPDX-License-Identifier: Apache-2.0
// The last hour of the selected domain: the tree and its parts, the latency of tree allocations, allocations and
// depot overflows. Drawn by uPlot. A line below each chart shows the values at the cursor, which the arrow keys move
// too, and a table has the same numbers.

import uPlot from 'uplot';

import { dataRow, dataTable, h, keyed, setAttribute, setHidden, setText } from '../lib/dom.js';
import { UNKNOWN, clock, count, duration, plural, rate, short, span } from '../lib/format.js';
import { extent, sample, stacked } from '../lib/drawing.js';
import { helpedHeading } from './help.js';

const HOUR = 3600;
const MIN_SPAN = 600;  // of the time axis: shortly after the start it is not stretched further
const TABLE_ROWS = 31;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const compactNumber = (value) => (Math.abs(value) >= 1e6 ? `${short(value / 1e6)}M` : Math.abs(value) >= 1e4 ? `${short(value / 1e3)}k` : short(value));

const CHARTS = [
  {
    id: 'tree', title: 'Tree and its parts', help: 'What does this chart show?', unit: 'ranges', height: 190, axis: compactNumber, value: (v) => (v === null ? UNKNOWN : count(Math.round(v))),
    series: [['depot_cached', 'depot', '--part-depot_cached'], ['cpu_cached', 'cpu rcaches', '--part-cpu_cached'], ['outstanding', 'outstanding', '--part-outstanding']],
    line: ['tree', 'tree', '--text'], stacked: true, floor: true,
  },
  {
    id: 'latency', title: 'Tree allocation latency', help: 'What does this latency measure?', unit: 'seconds', height: 150, axis: duration, value: duration, log: true,
    series: [['tree_allocation_p99', 'p99', '--line-2'], ['tree_allocation_mean', 'mean', '--line-1']],
  },
  {
    id: 'load', title: 'Allocations', unit: 'per second', height: 120, axis: compactNumber, value: rate, floor: true,
    series: [['allocations_per_second', 'allocations', '--line-1']],
  },
  {
    id: 'overflows', title: 'Depot overflows', unit: 'magazines per second', height: 120, axis: compactNumber, value: rate, floor: true,
    series: [['overflows_per_second', 'overflows', '--line-2']],
  },
];

class Chart {
  // plan: one of CHARTS; group: the ChartsView, whose charts share the time axis and the cursor.
  constructor(plan, group) {
    this.plan = plan;
    this.group = group;
    this.readout = h('p', { class: 'readout', id: `readout-${plan.id}` });
    this.box = h('div', { class: 'chart', tabindex: '0', role: 'img' });
    this.summary = h('span', { class: 'muted aside' });
    const heading = plan.help
      ? helpedHeading(4, plan.title, plan.id, plan.help, this.summary)
      : [h('div', { class: 'section-head' }, h('h4', {}, plan.title), this.summary)];
    this.root = h('div', { class: 'chart-block', 'data-chart': plan.id }, ...heading, this.box, this.readout);
    this.columns = plan.line ? [plan.line, ...plan.series] : plan.series;
    this.plot = null;
    new ResizeObserver(() => this.resize()).observe(this.box);
    this.box.addEventListener('keydown', (event) => this.key(event));
    this.box.addEventListener('blur', () => group.moveTo(null));
  }

  // data: {times, byName: Map name -> values}
  update(data) {
    this.data = data;
    const drawn = this.plan.stacked ? this.stack(data) : this.columns.map(([name]) => data.byName.get(name));
    this.drawn = [data.times, ...drawn];
    if (this.plot === null) this.build();
    else this.plot.setData(this.drawn);
    const main = extent(data.byName.get(this.columns[0][0]));
    setText(this.summary, this.plan.unit);
    const values = main === null
      ? 'no data yet'
      : `${this.columns[0][1]} now ${this.plan.value(main.last)}, lowest ${this.plan.value(main.low)}, highest ${this.plan.value(main.high)}`;
    setAttribute(this.box, 'aria-label', `${this.plan.title}, ${this.plan.unit}: ${values}. Use the arrow keys to read single points.`);
    this.showValues();
  }

  // Stacked from the bottom: outstanding, cpu rcaches, depot. The tree is a line on top.
  stack(data) {
    const sums = stacked([...this.plan.series].reverse().map(([name]) => data.byName.get(name))).reverse();
    return [data.byName.get('tree'), ...sums];
  }

  build() {
    this.plot?.destroy();
    const { plan } = this;
    // On a logarithmic scale only powers of ten get grid lines and labels.
    const isDecade = (value) => value !== null && value > 0 && Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6;
    const decades = plan.log ? { filter: (_, splits) => splits.map((v) => (isDecade(v) ? v : null)) } : {};
    const grid = { stroke: colour('--line'), width: 1 };
    const axis = { stroke: colour('--muted'), font: '11px Inter, system-ui, sans-serif', grid, ticks: { show: false } };
    const series = this.columns.map(([name, , variable]) => ({
      stroke: colour(variable), width: name === 'tree' ? 1.5 : plan.stacked ? 0 : 1.75, spanGaps: false,
      fill: plan.stacked && name !== 'tree' ? colour(variable) : undefined, points: { show: false },
    }));
    this.plot = new uPlot({
      width: Math.max(120, this.box.clientWidth), height: plan.height, padding: [12, 6, 0, 0],
      legend: { show: false }, cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'rcached' }, points: { size: 6 } },
      scales: {
        x: { time: true, range: () => this.group.range },
        y: plan.log ? { distr: 3, log: 10 } : { range: (_, low, high) => [plan.floor ? 0 : low, high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        { ...axis, size: 26, space: 64, values: (_, ticks) => ticks.map((t) => clock(t).slice(0, 5)) },
        { ...axis, ...decades, grid: { ...grid, ...decades }, size: 58, space: plan.log ? 10 : 34, values: (_, ticks) => ticks.map((v) => (v === null ? '' : plan.axis(v))) },
      ],
      series: [{}, ...series],
      hooks: { setCursor: [(plot) => this.group.moved(plot.cursor.idx)] },
    }, this.drawn, this.box);
    setAttribute(this.plot.root, 'aria-hidden', 'true');
  }

  resize() {
    const width = this.box.clientWidth;
    if (this.plot !== null && width > 60 && Math.abs(width - this.plot.width) > 1) this.plot.setSize({ width, height: this.plan.height });
  }

  key(event) {
    const length = this.data?.times.length ?? 0;
    if (length === 0) return;
    const at = this.group.index ?? length;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 30, PageDown: at + 30, Home: 0, End: length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.group.moveTo(Math.max(0, Math.min(length - 1, to)));
    setAttribute(this.readout, 'aria-live', 'polite');
  }

  // The values at the cursor, or the latest ones.
  showValues() {
    if (!this.data) return;
    const last = this.data.times.length - 1;
    const at = this.group.index ?? last;
    if (at < 0 || at > last) return;
    const parts = this.columns.map(([name, label, variable]) => [label, this.plan.value(this.data.byName.get(name)[at]), variable]);
    if (this.readout.childElementCount !== parts.length + 1) {
      this.readout.replaceChildren(h('time'), ...this.columns.map(([name, label]) =>
        h('span', {}, h('span', { class: `swatch key-${name}`, 'aria-hidden': 'true' }), `${label} `, h('b'))));
    }
    setText(this.readout.firstElementChild, this.group.index === null ? 'latest' : clock(this.data.times[at]));
    parts.forEach(([, value], i) => setText(this.readout.children[i + 1].lastElementChild, value));
  }

  cursor(index) {
    if (this.plot === null) return;
    if (index === null) this.plot.setCursor({ left: -10, top: -10 }, false);
    else this.plot.setCursor({ left: this.plot.valToPos(this.data.times[index], 'x'), top: 10 }, false);
  }
}

export class ChartsView {
  constructor() {
    this.index = null;  // the point at the cursor; null: the latest one
    this.range = [0, 1];
    this.charts = CHARTS.map((plan) => new Chart(plan, this));
    this.covers = h('span', { class: 'muted aside' });
    this.none = h('p', { class: 'muted' });
    this.columns = this.charts.flatMap(({ plan, columns }) => columns.map(([name, label]) => ({ name, label, value: plan.value })));
    this.table = dataTable('The last hour as a table', ['time', ...this.columns.map((c) => c.label)], { caption: 'Ranges, tree allocation latency, rates per second' });
    this.details = h('details', {}, h('summary', {}, 'Show as a table'), this.table.root);
    const [tree, latency, ...small] = this.charts.map((chart) => chart.root);
    this.body = h('div', {}, tree, latency, h('div', { class: 'chart-pair' }, ...small), this.details);
    this.root = h('section', { class: 'panel', 'aria-labelledby': 'history-title' },
      h('div', { class: 'section-head' }, h('h3', { id: 'history-title' }, 'The last hour'), this.covers), this.none, this.body);
    this.details.addEventListener('toggle', () => this.fillTable());
    this.clear();
  }

  clear(reason = 'Loading…') {
    this.data = null;
    this.label = null;
    setText(this.none, reason);
    setHidden(this.none, false);
    setHidden(this.body, true);
    setText(this.covers, '');
  }

  update(history, leftOut) {
    const length = history.tree.length;
    if (length === 0 || history.first === null) {
      this.clear(leftOut > 0
        ? `No history: the memory limit (history.size) leaves out ${plural(leftOut, 'domain')}.`
        : `No history yet: the first point is recorded after ${span(history.interval_seconds)}.`);
      return;
    }
    const times = Array.from({ length }, (_, i) => history.first + i * history.interval_seconds);
    const names = ['tree', 'outstanding', 'cpu_cached', 'depot_cached', 'allocations_per_second', 'overflows_per_second', 'tree_allocation_mean', 'tree_allocation_p99'];
    this.data = { times, byName: new Map(names.map((name) => [name, history[name]])) };
    const end = times[length - 1];
    this.range = [Math.min(end - MIN_SPAN, Math.max(times[0], end - HOUR)), end];
    if (this.label !== history.domain) this.index = null;
    this.label = history.domain;
    if (this.index !== null && this.index >= length) this.index = null;
    setHidden(this.none, true);
    setHidden(this.body, false);
    setText(this.covers, `${span(end - times[0])}, one point every ${span(history.interval_seconds)}`);
    for (const chart of this.charts) chart.update(this.data);
    this.fillTable();
  }

  // The colours of the theme have changed.
  restyle() {
    if (this.data === null) return;
    for (const chart of this.charts) chart.build();
  }

  // Moves the cursor of all charts, by keyboard.
  moveTo(index) {
    this.index = index;
    for (const chart of this.charts) {
      chart.cursor(index);
      chart.showValues();
    }
  }

  // uPlot has moved the cursor of all charts, by pointer.
  moved(index) {
    const next = index ?? null;
    if (next === this.index || this.charts.some((chart) => chart.box === document.activeElement)) return;
    this.index = next;
    for (const chart of this.charts) chart.showValues();
  }

  fillTable() {
    if (!this.details.open || this.data === null) return;
    keyed(this.table.body, sample(this.data.times.length, TABLE_ROWS).reverse(), (i) => this.data.times[i], () => dataRow(this.columns.length), (row, i) => {
      const cells = [clock(this.data.times[i]), ...this.columns.map(({ name, value }) => value(this.data.byName.get(name)[i]))];
      cells.forEach((text, column) => setText(row.children[column], text));
    });
  }
}
