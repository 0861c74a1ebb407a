// SPDX-License-Identifier: Apache-2.0
// Everything about the selected domain: its devices, verdicts with their evidence, rates, and the panels below.

import { byId, dataTable, h, icon, keyed, setAttribute, setClass, setHidden, setIcon, setText, updateFacts } from '../lib/dom.js';
import { UNKNOWN, bytes, clock, count, duration, orderSize, percent, plural, quantile, rate, words } from '../lib/format.js';
import { severity } from '../lib/attention.js';
import { makeConfidence, updateConfidence } from './balance.js';
import { ChartsView } from './charts.js';
import { DepotsView } from './depots.js';
import { HeatmapView } from './heatmap.js';
import { helpedHeading } from './help.js';
import { LedgerView } from './ledger.js';

// The proportion of allocations served by the caches, without the tree.
function hitRatio(rates) {
  if (rates === null || !(rates.allocations > 0)) return null;
  return Math.max(0, 1 - rates.tree_allocations / rates.allocations);
}

function figures({ rates, tree_allocation: tree }) {
  return [
    ['allocations', rate(rates?.allocations), { tip: 'alloc_iova_fast() calls that returned a range' }],
    ['served by caches', percent(hitRatio(rates)), { tip: 'allocations that did not have to search the tree' }],
    ['tree allocations', rate(rates?.tree_allocations), { tip: 'slow path: a new range from the tree, under its lock' }],
    ['tree p99', quantile(tree.p99, tree.count), { tip: `99th percentile of ${plural(tree.count, 'call')} since the start; median ${quantile(tree.p50, tree.count)}` }],
    ['depot overflows', rate(rates?.depot_overflows), { tip: 'magazines freed into the tree because the depot was full' }],
    ['failures', rate(rates?.allocation_failures), { tip: 'allocations that found no free space, including first attempts below 4 GiB' }],
    ['mismatched frees', rate(rates?.mismatched_frees), { tip: 'ranges freed with a size other than the allocated one' }],
  ];
}

const ORDER_COLUMNS = [
  ['outstanding', 'outstanding'], ['cpu_cached', 'cpu rcaches'], ['cpu_capacity', 'capacity'], ['cpus_holding', 'CPUs with ranges'],
  ['depot_magazines', 'depot magazines'], ['allocations', 'allocations'], ['tree_allocations', 'from the tree'],
  ['allocation_failures', 'failed'], ['frees', 'frees'], ['tree_frees', 'tree frees'], ['mismatched_frees', 'mismatched'],
];

class OrdersView {
  constructor() {
    this.table = dataTable('Gauges and counters by order', ['order', ...ORDER_COLUMNS.map(([, name]) => name)]);
    this.root = h('section', { class: 'panel', 'aria-labelledby': 'orders-title' },
      h('div', { class: 'section-head' }, h('h3', { id: 'orders-title' }, 'By order'), h('span', { class: 'muted aside' }, 'counters since the start')),
      this.table.root);
  }

  update(domain, orders) {
    keyed(this.table.body, orders, (o) => o.order, (o) => h('tr', { 'data-order': o.order }, h('th', { scope: 'row' }, h('span', {}, o.order), h('span', { class: 'muted small' })),
      ...ORDER_COLUMNS.map(([key]) => h('td', { 'data-key': key }))), (row, o) => {
      setText(row.firstElementChild.lastElementChild, orderSize(o.order, domain.granule_bytes));
      ORDER_COLUMNS.forEach(([key], i) => setText(row.children[i + 1], count(o[key])));
    });
  }
}

class ConfidenceView {
  constructor() {
    this.facts = h('dl', { class: 'facts' });
    this.root = h('section', { class: 'panel', 'aria-labelledby': 'confidence-title' },
      ...helpedHeading(3, 'Confidence', 'confidence', 'What do these terms mean?'), this.facts);
  }

  update({ domain, flush_queue: queue, audit, misses, rcache_flushes: flushes }) {
    const { confidence, prediction } = domain;
    const drift = Object.values(audit.drift).reduce((a, b) => a + b, 0);
    const missed = [['reordered', misses.reordered], ['depot race', misses.depot_race], ['migration', misses.migration], ['unknown', misses.unknown]];
    updateFacts(this.facts, [
      ['confidence', confidence.text, { more: confidence.text === confidence.state ? '' : confidence.state }],
      ['correct predictions', prediction.predictions === 0 ? UNKNOWN : percent(prediction.hits / prediction.predictions),
        { more: `${count(prediction.hits)} of ${count(prediction.predictions)}; misses: ${missed.map(([name, n]) => `${name} ${count(n)}`).join(', ')}` }],
      ['drift now', plural(domain.drift_ranges, 'range'), { more: 'difference between the mirror and the values last read by the probes' }],
      ['audits', count(audit.audits), { more: `${plural(audit.repairs, 'repair')}, ${count(audit.abandoned)} abandoned` }],
      ['last audit', confidence.last_audit === null ? 'never' : clock(confidence.last_audit), { more: 'comparison with kernel memory' }],
      ['differences found', plural(drift, 'range'), { more: Object.entries(audit.drift).map(([name, n]) => `${name} ${count(n)}`).join(', ') }],
      ['losses', count(confidence.loss_marks), { more: confidence.last_loss === null ? '' : `last at ${clock(confidence.last_loss)}` }],
      ['flush-queue drains', count(queue.drains), { more: `${plural(queue.drained_ranges, 'range')}, at most ${count(queue.largest_ranges)} at once; longest ${duration(queue.longest_seconds)}` }],
      ['rcache flushes', count(flushes), { more: 'free_cpu_cached_iovas() calls: all caches of a CPU emptied into the tree' }],
    ]);
  }
}

export class DetailView {
  constructor(tooltip) {
    this.title = h('h2', { id: 'detail-title' }, 'No domain selected');
    this.confidence = makeConfidence();
    this.identity = h('p', { class: 'identity' });
    this.verdicts = h('ul', { class: 'verdict-list' });
    this.inactive = h('ul', { class: 'verdict-list inactive' });
    this.inactiveBox = h('details', { class: 'inactive-box' }, h('summary', {}), this.inactive);
    this.figures = h('dl', { class: 'figures' });
    this.notice = h('div', { class: 'empty', hidden: true }, h('p', { class: 'empty-title' }), h('p'));
    this.back = h('a', { class: 'back', href: '#domains' }, '↑ Back to the list');
    this.head = h('div', { class: 'panel detail-head' },
      h('div', { class: 'pane-head' }, this.title, this.confidence, this.back), this.identity, this.verdicts, this.inactiveBox, this.figures);
    this.ledger = new LedgerView();
    this.heatmap = new HeatmapView(tooltip);
    this.depots = new DepotsView();
    this.charts = new ChartsView();
    this.orders = new OrdersView();
    this.trust = new ConfidenceView();
    this.body = h('div', { class: 'panels' }, this.ledger.root, this.depots.root, this.heatmap.root, this.charts.root, this.orders.root, this.trust.root);
    this.root = byId('detail');
    this.root.append(this.head, this.notice, this.body);
    this.show(null);
  }

  // Another domain: its summary, until update() brings the details. null when there is no domain.
  show(summary, { paused = false } = {}) {
    setHidden(this.head, summary === null);
    setHidden(this.root, summary === null);
    setHidden(this.notice, true);
    setAttribute(this.body, 'data-loading', true);
    if (summary !== null) this.summary(summary);
    if (paused) this.showNotice('Updates are paused', 'Resume to load the details of this domain.');
  }

  // Instead of the panels.
  showNotice(title, text) {
    setHidden(this.notice, false);
    setHidden(this.body, true);
    setText(this.notice.firstElementChild, title);
    setText(this.notice.lastElementChild, text);
  }

  summary(domain) {
    setText(this.title, `Domain ${domain.domain}`);
    updateConfidence(this.confidence, domain.confidence);
    const granule = domain.granule_bytes === null ? 'granule unknown' : `granule ${bytes(domain.granule_bytes)}`;
    setText(this.identity, [domain.drivers.join(', ') || 'no driver', domain.devices.join(', ') || 'no device', `type ${domain.type}`, granule].join(' · '));
    this.updateVerdicts(domain.verdicts);
    updateFacts(this.figures, figures(domain));
  }

  updateVerdicts(verdicts) {
    const make = () => h('li', {}, icon('good'), h('b'), ' ', h('span'));
    const update = (element, v) => {
      const state = !v.holds || v.verdict === 'healthy' ? 'good' : severity(v.verdict);
      setClass(element, state);
      setIcon(element.firstElementChild, state);
      setText(element.children[1], words(v.verdict));
      setText(element.lastElementChild, v.evidence);
    };
    const active = verdicts.filter((v) => v.holds);
    const inactive = verdicts.filter((v) => !v.holds);
    keyed(this.verdicts, active, (v) => v.verdict, make, update);
    keyed(this.inactive, inactive, (v) => v.verdict, make, update);
    setHidden(this.inactiveBox, inactive.length === 0);
    setText(this.inactiveBox.firstElementChild, `${plural(inactive.length, 'inactive verdict')}`);
  }

  update(detail) {
    setHidden(this.root, false);
    setHidden(this.head, Boolean(detail.error));
    if (detail.error) {
      setText(this.title, 'No such domain');
      this.showNotice('This domain no longer exists', [detail.error.message, detail.error.hint].filter(Boolean).join('; '));
      return;
    }
    setHidden(this.notice, true);
    setHidden(this.body, false);
    setAttribute(this.body, 'data-loading', false);
    this.summary(detail.domain);
    this.ledger.update(detail.domain);
    this.depots.update(detail.domain, detail.orders);
    this.heatmap.update(detail.cpus);
    this.orders.update(detail.domain, detail.orders);
    this.trust.update(detail);
  }
}
