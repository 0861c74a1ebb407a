// SPDX-License-Identifier: Apache-2.0
// The depot of the selected domain: one gauge per order with the limit (bounded) or the reclaim threshold
// (unbounded), and the magazines that overflowed or were reclaimed.

import { h, keyed, setAttribute, setHidden, setStyle, setText } from '../lib/dom.js';
import { count, orderSize, percent, plural, rate } from '../lib/format.js';
import { helpedHeading } from './help.js';

function gaugeState(kind, ratio) {
  if (kind !== 'bounded' || ratio === null) return null;
  if (ratio >= 1) return 'critical';
  return ratio >= 0.8 ? 'warning' : null;
}

export class DepotsView {
  constructor() {
    this.mark = h('span', { class: 'muted aside' });
    this.gauges = h('div', { class: 'gauges', role: 'list' });
    this.work = h('p', { class: 'muted small' });
    this.root = h('section', { class: 'panel', 'aria-labelledby': 'depots-title' },
      ...helpedHeading(3, 'Depot', 'depots', 'What is a depot?', this.mark), this.gauges, this.work);
  }

  update(domain, orders) {
    const { kind, mark_magazines: mark } = domain.depot;
    const cached = orders.filter((o) => o.depot_magazines !== null);
    const fullest = Math.max(0, ...cached.map((o) => o.depot_magazines));
    // The gauge of a bounded depot ends at its limit; an unbounded depot may be far above its threshold.
    const end = mark === null ? Math.max(1, fullest) : kind === 'bounded' ? Math.max(mark, fullest) : Math.max(mark * 1.5, fullest * 1.05);
    const word = kind === 'bounded' ? 'limit' : 'reclaim threshold';
    setText(this.mark, mark === null ? `${kind}, ${word} unknown` : `${kind}, ${word} ${plural(mark, 'magazine')} per order`);
    keyed(this.gauges, cached, (o) => o.order, this.makeGauge, (gauge, o) => {
      const [name, track, value] = gauge.children;
      setText(name.lastElementChild, orderSize(o.order, domain.granule_bytes));
      const [fill, line] = track.children;
      setStyle(fill, 'width', `${Math.min(100, (100 * o.depot_magazines) / end).toFixed(2)}%`);
      setHidden(line, mark === null || mark >= end);
      if (mark !== null) setStyle(line, 'left', `${Math.min(100, (100 * mark) / end).toFixed(2)}%`);
      setAttribute(gauge, 'data-state', gaugeState(kind, o.depot_ratio));
      setText(value.firstElementChild, count(o.depot_magazines) + (mark === null ? '' : ` / ${count(mark)}`));
      setText(value.lastElementChild, o.depot_ratio === null ? '' : percent(o.depot_ratio));
      const work = [
        `${plural(o.depot_overflows, 'overflow')}`, `${plural(o.depot_reclaims, 'reclaim')}`,
        `${plural(o.depot_pushes, 'push', 'pushes')}`, `${plural(o.depot_pops, 'pop')}`,
      ].join(', ');
      const fraction = o.depot_ratio === null ? '' : `, ${percent(o.depot_ratio)} of the ${word}`;
      const text = `order ${o.order}: ${plural(o.depot_magazines, 'magazine')}, ${count(o.depot_cached)} ranges${fraction}; since the start: ${work}`;
      setAttribute(track, 'aria-label', text);
      setAttribute(track, 'data-tip', text);
    });
    const sum = (key) => cached.reduce((total, o) => total + o[key], 0);
    const overflowRate = domain.rates === null ? '' : ` (${rate(domain.rates.depot_overflows)})`;
    const reclaimRate = domain.rates === null ? '' : ` (${rate(domain.rates.depot_reclaims)})`;
    setText(this.work, `Since the start: ${plural(sum('depot_overflows'), 'overflow')}${overflowRate} and ${plural(sum('depot_reclaims'), 'reclaim')}${reclaimRate}, in magazines.`);
  }

  makeGauge(o) {
    return h('div', { class: 'gauge', role: 'listitem', 'data-order': o.order },
      h('span', { class: 'gauge-name' }, h('span', {}, `order ${o.order}`), h('span', { class: 'muted small' })),
      h('div', { class: 'track', role: 'img', tabindex: '0' }, h('span', { class: 'fill' }), h('span', { class: 'mark' })),
      h('span', { class: 'gauge-value' }, h('span', { class: 'number' }), h('span', { class: 'muted small' })));
  }
}
