// SPDX-License-Identifier: Apache-2.0
// The fill of every CPU's magazines by order, as strips of CPUs per NUMA node. It is a canvas with a cursor that the
// pointer and the arrow keys move. The table below has the same numbers; it is built only while it is open.

import { dataRow, dataTable, h, keyed, setAttribute, setHidden, setText } from '../lib/dom.js';
import { count, percent, plural } from '../lib/format.js';
import { LEVELS, byNode, layout, level } from '../lib/drawing.js';
import { helpedHeading } from './help.js';

const ORDERS = 6;
const MARGIN = 30;     // left of a strip, for the order numbers
const CPU_LINE = 17;   // above a strip, for the CPU numbers
const NODE_LINE = 20;  // above the first strip of a node, for its name
const LEGEND = ['empty', 'up to ¼', 'up to ½', 'up to ¾', 'below full', 'full'];

const nodeName = (node) => (node === null ? 'node unknown' : `node ${node}`);

export class HeatmapView {
  constructor(tooltip) {
    this.tooltip = tooltip;
    this.aside = h('span', { class: 'muted aside' });
    this.canvas = h('canvas', { class: 'heat', role: 'img', tabindex: '0' });
    this.legend = h('ul', { class: 'legend', 'aria-label': 'Fill of both magazines together' },
      h('li', {}, h('span', { class: 'swatch heat-none', 'aria-hidden': 'true' }), 'never used'), ...LEGEND.map((name, i) => h('li', {}, h('span', { class: `swatch heat-${i}`, 'aria-hidden': 'true' }), name)));
    this.none = h('p', { class: 'muted' }, 'No CPU has used this domain since rcached started to trace it.');
    this.table = dataTable('Cache fill by CPU and order', ['CPU', 'node', ...Array.from({ length: ORDERS }, (_, i) => `order ${i}`), 'total'], { caption: 'Ranges in loaded + prev, per order' });
    this.details = h('details', {}, h('summary', {}, 'Show as a table'), this.table.root);
    this.root = h('section', { class: 'panel', 'aria-labelledby': 'heatmap-title' },
      ...helpedHeading(3, 'CPU rcaches', 'heatmap', 'What does the heat map show?', this.aside),
      h('div', { class: 'heat-box' }, this.canvas), this.none, this.legend, this.details);
    this.cpus = null;
    this.cursor = null;  // {strip, column, order}
    this.listen();
  }

  listen() {
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentElement);
    this.canvas.addEventListener('pointermove', (event) => this.point(event));
    this.canvas.addEventListener('pointerdown', (event) => this.point(event));
    this.canvas.addEventListener('pointerleave', () => {
      if (document.activeElement !== this.canvas) this.move(null);
    });
    this.canvas.addEventListener('focus', () => {
      if (this.cursor === null && this.canvas.matches(':focus-visible')) this.move({ strip: 0, column: 0, order: 0 });
    });
    this.canvas.addEventListener('blur', () => this.move(null));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    this.details.addEventListener('toggle', () => this.fillTable());
  }

  update(cpus) {
    this.cpus = cpus;
    this.capacity = 2 * cpus.magazine_capacity;
    this.groups = byNode(cpus);
    const nodes = this.groups.filter((g) => g.node !== null).length;
    setText(this.aside, `${plural(cpus.cpu.length, 'CPU')}${nodes > 1 ? ` on ${plural(nodes, 'node')}` : ''}, room for ${count(this.capacity)} ranges per CPU and order`);
    const empty = cpus.cpu.length === 0;
    setHidden(this.none, !empty);
    for (const element of [this.canvas.parentElement, this.legend, this.details]) setHidden(element, empty);
    this.draw();
    this.fillTable();
    if (this.cursor !== null) this.explain();
  }

  // null: this CPU has never used this order.
  fill(index, order) {
    const loaded = this.cpus.loaded[index][order];
    return loaded === null ? null : loaded + (this.cpus.prev[index][order] ?? 0);
  }

  draw() {
    if (this.cpus === null || this.cpus.cpu.length === 0) return;
    const width = Math.floor(this.canvas.parentElement.clientWidth);
    if (width < 60) return;
    this.plan = layout(this.groups, width, { margin: MARGIN });
    const { strips, cell } = this.plan;
    this.cellHeight = Math.max(9, Math.min(16, cell));
    let y = 0;
    for (const strip of strips) {
      strip.y = y + CPU_LINE + (strip.first && this.groups.length > 1 ? NODE_LINE : 0);
      y = strip.y + ORDERS * this.cellHeight + 10;
    }
    const scale = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(y * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(y * scale);
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${y}px`;
    }
    const context = this.canvas.getContext('2d');
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, y);
    const style = getComputedStyle(this.canvas);
    const colours = Array.from({ length: LEVELS }, (_, i) => style.getPropertyValue(`--heat-${i}`).trim());
    const ink = style.getPropertyValue('--muted').trim();
    const unused = style.getPropertyValue('--line-strong').trim();
    for (const strip of strips) this.drawStrip(context, strip, colours, ink, unused);
    setAttribute(this.canvas, 'aria-label', this.describe());
  }

  drawStrip(context, strip, colours, ink, unused) {
    const { cell } = this.plan;
    const height = this.cellHeight;
    const gap = cell >= 7 ? 1 : 0;
    context.fillStyle = ink;
    context.textBaseline = 'alphabetic';
    if (strip.first && this.groups.length > 1) {
      context.font = '600 12px Inter, system-ui, sans-serif';
      context.textAlign = 'left';
      context.fillText(nodeName(strip.node), 0, strip.y - CPU_LINE - 3);
    }
    context.font = '10.5px Inter, system-ui, sans-serif';
    context.textAlign = 'right';
    for (let order = 0; order < ORDERS; ++order) context.fillText(String(order), MARGIN - 8, strip.y + order * height + height - 2);
    const every = cell >= 22 ? 1 : cell >= 14 ? 4 : 8;
    context.textAlign = 'left';
    strip.indices.forEach((index, column) => {
      const x = MARGIN + column * cell;
      if (column % every === 0) context.fillText(String(this.cpus.cpu[index]), x, strip.y - 4);
      for (let order = 0; order < ORDERS; ++order) {
        const fill = this.fill(index, order);
        context.fillStyle = colours[level(fill, this.capacity)];
        const top = strip.y + order * height;
        if (fill === null) context.fillStyle = unused;
        if (fill !== null) context.fillRect(x, top, cell - gap, height - 1);
        else context.fillRect(x + Math.floor((cell - gap) / 2) - 1, top + Math.floor(height / 2) - 1, 2, 2);
      }
      context.fillStyle = ink;
    });
    const at = this.cursor;
    if (at !== null && this.plan.strips[at.strip] === strip) {
      // Two rings: one of them contrasts with any colour.
      const style = getComputedStyle(this.canvas);
      for (const [name, width] of [['--surface', 5], ['--text', 2]]) {
        context.strokeStyle = style.getPropertyValue(name).trim();
        context.lineWidth = width;
        context.strokeRect(MARGIN + at.column * cell - 1, strip.y + at.order * height - 1, cell - gap + 2, height + 1);
      }
    }
  }

  describe() {
    const totals = this.cpus.cpu.map((_, i) => Array.from({ length: ORDERS }, (__, order) => this.fill(i, order)));
    const full = totals.flat().filter((fill) => fill >= this.capacity).length;
    const fullest = totals.reduce((best, row, i) => {
      const sum = row.reduce((a, b) => a + b, 0);
      return sum > best.sum ? { sum, cpu: this.cpus.cpu[i] } : best;
    }, { sum: -1, cpu: 0 });
    return `Heat map of cache fill: ${plural(this.cpus.cpu.length, 'CPU')}, ${full} full pairs of magazines, ` +
      `most on CPU ${fullest.cpu} with ${count(fullest.sum)} ranges. Use the arrow keys to read single cells.`;
  }

  point(event) {
    if (!this.plan) return;
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left - MARGIN;
    const y = event.clientY - box.top;
    const strip = this.plan.strips.findIndex((s) => y >= s.y && y < s.y + ORDERS * this.cellHeight);
    const column = Math.floor(x / this.plan.cell);
    const inside = strip >= 0 && column >= 0 && column < this.plan.strips[strip].indices.length;
    this.move(inside ? { strip, column, order: Math.floor((y - this.plan.strips[strip].y) / this.cellHeight) } : null);
  }

  key(event) {
    if (!this.plan || this.cpus.cpu.length === 0) return;
    const at = this.cursor ?? { strip: 0, column: 0, order: 0 };
    const { strips } = this.plan;
    const next = { ...at };
    if (event.key === 'ArrowRight') ++next.column;
    else if (event.key === 'ArrowLeft') --next.column;
    else if (event.key === 'ArrowDown') ++next.order;
    else if (event.key === 'ArrowUp') --next.order;
    else if (event.key === 'Home') next.column = 0;
    else if (event.key === 'End') next.column = strips[at.strip].indices.length - 1;
    else return;
    event.preventDefault();
    if (next.column >= strips[next.strip].indices.length && next.strip + 1 < strips.length) Object.assign(next, { strip: next.strip + 1, column: 0 });
    if (next.column < 0 && next.strip > 0) Object.assign(next, { strip: next.strip - 1, column: Infinity });
    if (next.order >= ORDERS && next.strip + 1 < strips.length) Object.assign(next, { strip: next.strip + 1, order: 0 });
    if (next.order < 0 && next.strip > 0) Object.assign(next, { strip: next.strip - 1, order: ORDERS - 1 });
    next.column = Math.max(0, Math.min(next.column, strips[next.strip].indices.length - 1));
    next.order = Math.max(0, Math.min(next.order, ORDERS - 1));
    this.move(next);
  }

  move(cursor) {
    this.cursor = cursor;
    this.draw();
    if (cursor === null) {
      if (this.tooltip.owner === this.canvas) this.tooltip.hide();
    } else {
      this.explain();
    }
  }

  explain() {
    const { strip: s, column, order } = this.cursor;
    const strip = this.plan.strips[s];
    const index = strip?.indices[column];
    if (index === undefined) {
      this.cursor = null;
      return;
    }
    const fill = this.fill(index, order);
    const where = `CPU ${this.cpus.cpu[index]} (${nodeName(strip.node)}), order ${order}: `;
    const text = where + (fill === null ? 'never used' : `${count(fill)} of ${count(this.capacity)} ranges, ` +
      `${percent(fill / this.capacity)} (loaded ${count(this.cpus.loaded[index][order])}, prev ${count(this.cpus.prev[index][order])})`);
    const top = strip.y + order * this.cellHeight;
    this.tooltip.showAt(this.canvas, text, MARGIN + (column + 0.5) * this.plan.cell, top, top + this.cellHeight);
  }

  fillTable() {
    if (!this.details.open || this.cpus === null) return;
    keyed(this.table.body, this.groups.flatMap((g) => g.indices), (i) => this.cpus.cpu[i], () => dataRow(ORDERS + 2), (row, i) => {
      const cells = [...row.children];
      setText(cells[0], this.cpus.cpu[i]);
      setText(cells[1], this.cpus.node[i] ?? '–');
      let sum = 0;
      for (let order = 0; order < ORDERS; ++order) {
        const fill = this.fill(i, order);
        sum += fill ?? 0;
        setText(cells[2 + order], count(fill));
      }
      setText(cells[2 + ORDERS], count(sum));
    });
  }
}
