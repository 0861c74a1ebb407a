// SPDX-License-Identifier: Apache-2.0
// The list: one balance sheet per domain, in columns that can be compared. The rows are a table for screen
// readers; the domain's name in each is a button, and arrow keys go from one to the next.

import { byId, h, keyed, setAttribute, setClass, setHidden, setText } from '../lib/dom.js';
import { count, plural, slope } from '../lib/format.js';
import { grows, headline, holding, matches, severity, sorted } from '../lib/attention.js';
import { PARTS, makeBar, makeConfidence, swatch, updateBar, updateConfidence, updateVerdicts, who } from './balance.js';

const HOLD_MS = 4_000;  // rows keep their places for so long after the last touch
const COLUMNS = [{ key: 'tree', name: 'tree', short: 'tree' }, ...PARTS];

function makeCell({ key, name }) {
  return h('div', { class: 'cell', role: 'cell', 'data-part': key },
    h('span', { class: 'cell-name', 'aria-hidden': 'true' }, key === 'tree' ? '' : swatch(key), name),
    h('span', { class: 'number' }), h('span', { class: 'slope' }));
}

function makeRow(domain) {
  const button = h('button', { type: 'button', class: 'name', tabindex: '-1', 'data-label': domain.domain }, h('span', { class: 'label' }, domain.domain));
  return h('div', { class: 'row', role: 'row', 'data-domain': domain.domain },
    h('div', { class: 'who', role: 'rowheader' },
      h('div', { class: 'names' }, button, h('span', { class: 'devices' })),
      h('div', { class: 'chips' }, makeConfidence(), h('span', { class: 'verdicts' }))),
    h('div', { class: 'bar-cell', role: 'cell' }, makeBar(false)),
    ...COLUMNS.map(makeCell));
}

function updateRow(row, domain) {
  const [whoCell, barCell, ...cells] = row.children;
  const button = whoCell.querySelector('.name');
  setText(whoCell.querySelector('.devices'), who(domain));
  setAttribute(button, 'data-tip', `domain ${domain.domain}, ${domain.type}: ${who(domain)}`);
  updateConfidence(whoCell.querySelector('.confidence'), domain.confidence);
  updateVerdicts(whoCell.querySelector('.verdicts'), domain);
  updateBar(barCell.firstElementChild, domain.balance);
  COLUMNS.forEach(({ key }, i) => {
    const part = domain.balance[key];
    const [, number, change] = cells[i].children;
    setText(number, count(part.ranges));
    if (!('per_second' in part)) return;
    setText(change, slope(part.per_second).text);
    setClass(change, grows(domain, part.per_second) ? 'slope up' : 'slope');
  });
  setAttribute(cells.at(-1), 'data-off', domain.balance.unaccounted.ranges !== 0);
  const worst = holding(domain).map((v) => severity(v.verdict));
  setAttribute(row, 'data-state', worst.includes('critical') ? 'critical' : worst.length > 0 ? 'warning' : null);
}

export class DomainList {
  constructor(onSelect) {
    this.onSelect = onSelect;
    this.domains = [];
    this.order = [];
    this.selected = null;
    this.touched = 0;
    this.head = h('div', { class: 'row head', role: 'row' },
      h('div', { role: 'columnheader' }, 'domain'),
      h('div', { role: 'columnheader', class: 'bar-cell' }, h('span', { class: 'unseen' }, 'shares')),
      ...COLUMNS.map((c) => h('div', { role: 'columnheader', class: 'cell' }, h('span', {}, c.key === 'tree' ? '' : swatch(c.key), c.short))));
    this.rows = h('div', { class: 'rows short', role: 'rowgroup' });
    this.table = h('div', { class: 'sheet', role: 'table', 'aria-label': 'Balance sheets, in ranges' },
      h('div', { role: 'rowgroup', class: 'head-group' }, this.head), this.rows);
    this.empty = h('div', { class: 'empty', hidden: true }, h('p', { class: 'empty-title' }), h('p'));
    this.more = h('button', { type: 'button', class: 'show-more', hidden: true });
    byId('list').append(this.table, this.empty, this.more);
    this.filter = byId('filter');
    this.sort = byId('sort');
    this.listen();
  }

  listen() {
    this.filter.addEventListener('input', () => this.render(true));
    this.sort.addEventListener('change', () => this.render(true));
    this.more.addEventListener('click', () => {
      this.rows.classList.toggle('short');
      this.render(true);
    });
    this.rows.addEventListener('click', (event) => {
      const row = event.target.closest('.row');
      if (row === null || window.getSelection()?.toString()) return;
      this.touched = Date.now();
      this.onSelect(row.dataset.domain, { byHand: true });
    });
    this.rows.addEventListener('keydown', (event) => this.key(event));
    this.rows.addEventListener('pointermove', () => {
      this.touched = Date.now();
    });
  }

  key(event) {
    const buttons = [...this.rows.querySelectorAll('.name')].filter((b) => b.offsetParent !== null);
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1, PageDown: at + 8, PageUp: at - 8 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.touched = Date.now();
    const target = buttons[Math.max(0, Math.min(buttons.length - 1, to))];
    target.focus();
    target.closest('.row').scrollIntoView({ block: 'nearest' });
    this.onSelect(target.dataset.label, { byHand: false });
  }

  update(domains) {
    this.domains = domains;
    this.render(false);
  }

  select(label) {
    this.selected = label;
    for (const row of this.rows.children) this.mark(row);
    this.reachable();
  }

  mark(row) {
    const selected = row.dataset.domain === this.selected;
    setAttribute(row, 'data-selected', selected);
    setAttribute(row.querySelector('.name'), 'aria-current', selected ? 'true' : null);
  }

  // One row is in the tab order: the selected one, or the first when that is filtered out.
  reachable() {
    const buttons = [...this.rows.querySelectorAll('.name')];
    const target = buttons.find((b) => b.dataset.label === this.selected && b.offsetParent !== null) ?? buttons[0];
    for (const button of buttons) setAttribute(button, 'tabindex', button === target ? '0' : '-1');
  }

  // Rows keep their places while someone is at them, unless asked for.
  arranged(force) {
    const shown = this.domains.filter((d) => matches(d, this.filter.value.trim()));
    const wanted = sorted(shown, this.sort.value);
    if (!force && Date.now() - this.touched < HOLD_MS) {
      const place = new Map(this.order.map((label, i) => [label, i]));
      wanted.sort((a, b) => (place.get(a.domain) ?? Infinity) - (place.get(b.domain) ?? Infinity) || 0);
    }
    this.order = wanted.map((d) => d.domain);
    return wanted;
  }

  render(force) {
    const shown = this.arranged(force);
    const focused = this.rows.contains(document.activeElement) ? document.activeElement : null;
    keyed(this.rows, shown, (d) => d.domain, makeRow, (row, d) => {
      updateRow(row, d);
      this.mark(row);
    });
    if (focused !== null && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    this.reachable();
    const all = this.domains.length;
    setText(byId('domains-count'), shown.length === all ? plural(all, 'domain') : `${count(shown.length)} of ${plural(all, 'domain')}`);
    setHidden(this.table, shown.length === 0);
    this.renderEmpty(shown.length);
    setHidden(this.more, shown.length <= 6);
    setText(this.more, this.rows.classList.contains('short') ? `Show all ${shown.length} domains` : 'Show fewer');
    document.title = all === 0 ? 'rcached' : `${this.domains.some((d) => holding(d).length > 0) ? '▲ ' : ''}rcached: ${headline(this.domains)}`;
  }

  renderEmpty(shown) {
    setHidden(this.empty, shown > 0);
    if (shown > 0) return;
    const [title, text] = this.empty.children;
    if (this.domains.length > 0) {
      setText(title, 'No domain matches the filter');
      setText(text, `${plural(this.domains.length, 'domain')} ${this.domains.length === 1 ? 'is' : 'are'} left out.`);
    } else {
      setText(title, 'No domain has been seen yet');
      setText(text, 'A domain appears with its first mapping. When none ever comes, the devices of this host may bypass the IOMMU: “rcached check” tells.');
    }
  }
}
