// SPDX-License-Identifier: Apache-2.0
// The list: one balance sheet per domain, in columns. The rows are a table for screen readers; the domain's label in
// each is a button, and the arrow keys move from one to the next.

import { byId, h, keyed, setAttribute, setClass, setHidden, setText } from '../lib/dom.js';
import { count, plural, slope } from '../lib/format.js';
import { activeVerdicts, grows, headline, matches, severity, sorted } from '../lib/attention.js';
import { PARTS, deviceText, makeBar, makeConfidence, swatch, updateBar, updateConfidence, updateVerdicts } from './balance.js';

const KEEP_ORDER_MS = 4_000;  // after the user has last clicked, typed or moved the pointer in the list
const COLUMNS = [{ key: 'tree', name: 'tree', short: 'tree' }, ...PARTS];

function makeCell({ key, name }) {
  return h('div', { class: 'cell', role: 'cell', 'data-part': key },
    h('span', { class: 'cell-name', 'aria-hidden': 'true' }, key === 'tree' ? '' : swatch(key), name),
    h('span', { class: 'number' }), h('span', { class: 'slope' }));
}

function makeRow(domain) {
  const button = h('button', { type: 'button', class: 'name', tabindex: '-1', 'data-label': domain.domain }, h('span', { class: 'label' }, domain.domain));
  return h('div', { class: 'row', role: 'row', 'data-domain': domain.domain },
    h('div', { class: 'row-head', role: 'rowheader' },
      h('div', { class: 'names' }, button, h('span', { class: 'devices' })),
      h('div', { class: 'chips' }, makeConfidence(), h('span', { class: 'verdicts' }))),
    h('div', { class: 'bar-cell', role: 'cell' }, makeBar(false)),
    ...COLUMNS.map(makeCell));
}

function updateRow(row, domain) {
  const [head, barCell, ...cells] = row.children;
  const button = head.querySelector('.name');
  setText(head.querySelector('.devices'), deviceText(domain));
  setAttribute(button, 'data-tip', `domain ${domain.domain}, ${domain.type}: ${deviceText(domain)}`);
  updateConfidence(head.querySelector('.confidence'), domain.confidence);
  updateVerdicts(head.querySelector('.verdicts'), domain);
  updateBar(barCell.firstElementChild, domain.balance);
  COLUMNS.forEach(({ key }, i) => {
    const part = domain.balance[key];
    const [, number, change] = cells[i].children;
    setText(number, count(part.ranges));
    if (!('per_second' in part)) return;
    setText(change, slope(part.per_second));
    setClass(change, grows(domain, part.per_second) ? 'slope up' : 'slope');
  });
  setAttribute(cells.at(-1), 'data-off', domain.balance.unaccounted.ranges !== 0);
  const severities = activeVerdicts(domain).map((v) => severity(v.verdict));
  setAttribute(row, 'data-state', severities.includes('critical') ? 'critical' : severities.length > 0 ? 'warning' : null);
}

export class DomainList {
  constructor(onSelect) {
    this.onSelect = onSelect;
    this.domains = [];
    this.order = [];
    this.selected = null;
    this.lastUsed = 0;
    this.head = h('div', { class: 'row head', role: 'row' },
      h('div', { role: 'columnheader' }, 'domain'),
      h('div', { role: 'columnheader', class: 'bar-cell' }, h('span', { class: 'visually-hidden' }, 'shares')),
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
      this.lastUsed = Date.now();
      this.onSelect(row.dataset.domain, { byUser: true });
    });
    this.rows.addEventListener('keydown', (event) => this.key(event));
    this.rows.addEventListener('pointermove', () => {
      this.lastUsed = Date.now();
    });
  }

  key(event) {
    const buttons = [...this.rows.querySelectorAll('.name')].filter((b) => b.offsetParent !== null);
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1, PageDown: at + 8, PageUp: at - 8 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.lastUsed = Date.now();
    const target = buttons[Math.max(0, Math.min(buttons.length - 1, to))];
    target.focus();
    target.closest('.row').scrollIntoView({ block: 'nearest' });
    this.onSelect(target.dataset.label, { byUser: false });
  }

  update(domains) {
    this.domains = domains;
    this.render(false);
  }

  select(label) {
    this.selected = label;
    for (const row of this.rows.children) this.mark(row);
    this.updateTabStop();
  }

  mark(row) {
    const selected = row.dataset.domain === this.selected;
    setAttribute(row, 'data-selected', selected);
    setAttribute(row.querySelector('.name'), 'aria-current', selected ? 'true' : null);
  }

  // One row is in the tab order: the selected one, or the first if that is filtered out.
  updateTabStop() {
    const buttons = [...this.rows.querySelectorAll('.name')];
    const target = buttons.find((b) => b.dataset.label === this.selected && b.offsetParent !== null) ?? buttons[0];
    for (const button of buttons) setAttribute(button, 'tabindex', button === target ? '0' : '-1');
  }

  // Filtered and sorted. While the list is in use its order does not change, unless `resort`.
  arranged(resort) {
    const shown = this.domains.filter((d) => matches(d, this.filter.value.trim()));
    const wanted = sorted(shown, this.sort.value);
    if (!resort && Date.now() - this.lastUsed < KEEP_ORDER_MS) {
      const place = new Map(this.order.map((label, i) => [label, i]));
      wanted.sort((a, b) => (place.get(a.domain) ?? Infinity) - (place.get(b.domain) ?? Infinity) || 0);
    }
    this.order = wanted.map((d) => d.domain);
    return wanted;
  }

  render(resort) {
    const shown = this.arranged(resort);
    const focused = this.rows.contains(document.activeElement) ? document.activeElement : null;
    keyed(this.rows, shown, (d) => d.domain, makeRow, (row, d) => {
      updateRow(row, d);
      this.mark(row);
    });
    if (focused !== null && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    this.updateTabStop();
    const all = this.domains.length;
    setText(byId('domains-count'), shown.length === all ? plural(all, 'domain') : `${count(shown.length)} of ${plural(all, 'domain')}`);
    setHidden(this.table, shown.length === 0);
    this.renderEmpty(shown.length);
    setHidden(this.more, shown.length <= 6);
    setText(this.more, this.rows.classList.contains('short') ? `Show all ${shown.length} domains` : 'Show fewer');
    document.title = all === 0 ? 'rcached' : `${this.domains.some((d) => activeVerdicts(d).length > 0) ? '▲ ' : ''}rcached: ${headline(this.domains)}`;
  }

  renderEmpty(shown) {
    setHidden(this.empty, shown > 0);
    if (shown > 0) return;
    const [title, text] = this.empty.children;
    if (this.domains.length > 0) {
      setText(title, 'No domain matches the filter');
      setText(text, `${plural(this.domains.length, 'domain')} ${this.domains.length === 1 ? 'is' : 'are'} hidden.`);
    } else {
      setText(title, 'No domain has been seen yet');
      setText(text, 'A domain appears when one of its devices maps memory for the first time. If none appears, the devices of this host may bypass the IOMMU; run “rcached check” to find out.');
    }
  }
}
