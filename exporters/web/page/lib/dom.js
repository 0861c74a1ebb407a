// SPDX-License-Identifier: Apache-2.0
// Helpers to build and update elements. Strings are always inserted as text, never as markup: the names of devices
// and drivers are untrusted.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

// Changes the document only if the text differs: a rewrite would disturb text selections and screen readers.
export function setText(element, text) {
  const value = String(text);
  if (element.textContent !== value) element.textContent = value;
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

export function setClass(element, value) {
  if (element.className !== value) element.className = value;
}

// Uses the style object, which the content security policy allows; it blocks style attributes.
export function setStyle(element, property, value) {
  if (element.style.getPropertyValue(property) !== value) element.style.setProperty(property, value);
}

// Makes the children of `parent` the elements for `items`, in this order, and reuses existing elements by key.
// make(item) builds an element once, update(element, item) fills it every time.
export function keyed(parent, items, key, make, update) {
  const known = parent.keyedChildren ?? (parent.keyedChildren = new Map());
  const wanted = new Set();
  let next = parent.firstElementChild;
  for (const item of items) {
    const id = key(item);
    wanted.add(id);
    let element = known.get(id);
    if (element === undefined) {
      element = make(item);
      known.set(id, element);
    }
    update(element, item);
    if (element === next) {
      next = next.nextElementSibling;
    } else {
      parent.insertBefore(element, next);
    }
  }
  for (const [id, element] of known) {
    if (wanted.has(id)) continue;
    element.remove();
    known.delete(id);
  }
}

// A table that scrolls by itself. Returns {root, body}; the body is empty.
export function dataTable(label, columns, { caption = null } = {}) {
  const body = h('tbody');
  const root = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
    h('table', { class: 'data' },
      caption && h('caption', {}, caption),
      h('thead', {}, h('tr', {}, ...columns.map((name) => h('th', { scope: 'col' }, name)))),
      body));
  return { root, body };
}

// A row for such a table: its heading and `cells` empty cells.
export function dataRow(cells) {
  return h('tr', {}, h('th', { scope: 'row' }), ...Array.from({ length: cells }, () => h('td')));
}

// Fills a <dl>. A fact is [name, value, {more, tip, critical}]: `more` is shown below the value, `tip` as a tooltip.
export function updateFacts(list, facts) {
  const make = ([name]) => h('div', { 'data-fact': name }, h('dt', {}, name), h('dd'), h('dd', { class: 'more' }));
  keyed(list, facts, ([name]) => name, make, (element, [, value, { more = '', tip = null, critical = false } = {}]) => {
    setText(element.children[1], value);
    setText(element.children[2], more);
    setAttribute(element, 'data-tip', tip);
    setAttribute(element, 'tabindex', tip === null ? null : '0');
    setAttribute(element, 'data-state', critical ? 'critical' : null);
  });
  setHidden(list, facts.length === 0);
}

const SVG = 'http://www.w3.org/2000/svg';

// The states differ in shape as well as in colour.
const ICONS = {
  good: 'M3 8.5l3.2 3L13 4.5',
  warning: 'M8 2.2l6.3 11.3H1.7z M8 6.4v3.4 M8 11.6v.3',
  critical: 'M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2l-3.4-3.4V5.2z M8 4.8v4 M8 10.9v.3',
  unknown: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8 M5 8h.2 M8 8h.2 M11 8h.2',
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

export function setIcon(svg, name) {
  setAttribute(svg.firstElementChild, 'd', ICONS[name]);
}

export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}
