// SPDX-License-Identifier: Apache-2.0
// The balance sheet of the selected domain as a table: every part with its share and its slope, and the tree as their
// sum. Below it the kernel memory of the caches and the free space below 4 GiB.

import { h, keyed, setAttribute, setClass, setText, updateFacts } from '../lib/dom.js';
import { UNKNOWN, bytes, clock, count, percent, slope } from '../lib/format.js';
import { makeBar, swatch, updateBar } from './balance.js';
import { helpedHeading } from './help.js';

function lines(domain) {
  const b = domain.balance;
  const share = (part) => (b.tree.ranges > 0 && part.ranges !== null ? percent(part.ranges / b.tree.ranges) : UNKNOWN);
  const line = (key, name, kind = 'part') => ({
    key, name, kind, ranges: count(b[key].ranges), share: share(b[key]),
    slope: 'per_second' in b[key] ? slope(b[key].per_second) : '',
  });
  return [
    line('outstanding', 'outstanding'),
    line('outstanding_before_start', 'before start', 'detail'),
    line('fq_pending', 'in flush queue', 'detail'),
    line('cpu_cached', 'cpu rcaches'),
    line('depot_cached', 'depot'),
    line('reserved', 'reserved'),
    line('unaccounted', 'unaccounted'),
    line('tree', 'tree', 'total'),
  ];
}

function facts(domain) {
  const out = [];
  const { memory, space32, granule_bytes: granule } = domain;
  if (memory !== null) {
    const tip = `read at ${clock(memory.read)}`;
    out.push(['memory for magazines', bytes(memory.magazine_bytes), { tip }], ['memory for ranges', bytes(memory.range_bytes), { tip }]);
  }
  if (space32 !== null) {
    const size = (pages) => (granule === null ? `${count(pages)} granules` : bytes(pages * granule));
    out.push(['free below 4 GiB', size(space32.free_pages), { tip: `${count(space32.free_pages)} granules, read at ${clock(space32.read)}` }]);
    out.push(['largest gap below 4 GiB', size(space32.largest_gap_pages), { tip: `${count(space32.largest_gap_pages)} granules, read at ${clock(space32.read)}` }]);
  }
  return out;
}

export class LedgerView {
  constructor() {
    this.bar = makeBar(true);
    this.body = h('tbody');
    this.facts = h('dl', { class: 'facts' });
    this.root = h('section', { class: 'panel', 'aria-labelledby': 'ledger-title' },
      ...helpedHeading(3, 'Balance sheet', 'ledger', 'What do the lines mean?'), this.bar,
      h('table', { class: 'ledger' },
        h('thead', {}, h('tr', {}, ...['part', 'ranges', 'share', 'slope'].map((name) => h('th', { scope: 'col' }, name)))), this.body),
      this.facts);
  }

  update(domain) {
    updateBar(this.bar, domain.balance);
    keyed(this.body, lines(domain), (line) => line.key, this.makeLine, (row, line) => {
      setClass(row, line.kind);
      const [, ranges, share, change] = row.children;
      setText(ranges, line.ranges);
      setText(share, line.share);
      setText(change, line.slope);
      setAttribute(row, 'data-off', line.key === 'unaccounted' && domain.balance.unaccounted.ranges !== 0);
    });
    updateFacts(this.facts, facts(domain));
  }

  makeLine(line) {
    return h('tr', { 'data-line': line.key },
      h('th', { scope: 'row' }, line.kind === 'part' ? swatch(line.key) : '', line.name), h('td'), h('td'), h('td'));
  }
}
