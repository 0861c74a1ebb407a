// SPDX-License-Identifier: Apache-2.0
// Shared by the list and the details: the parts of a balance sheet, its bar, chips for verdicts and confidence.

import { h, icon, keyed, setAttribute, setClass, setIcon, setStyle, setText } from '../lib/dom.js';
import { count, percent, words } from '../lib/format.js';
import { shares } from '../lib/drawing.js';
import { activeVerdicts, severity } from '../lib/attention.js';

export const PARTS = [
  { key: 'outstanding', name: 'outstanding', short: 'outstanding' },
  { key: 'cpu_cached', name: 'cpu rcaches', short: 'cpu rcaches' },
  { key: 'depot_cached', name: 'depot', short: 'depot' },
  { key: 'reserved', name: 'reserved', short: 'reserved' },
  { key: 'unaccounted', name: 'unaccounted', short: 'unacc.' },
];

export function swatch(key) {
  return h('span', { class: `swatch part-${key}`, 'aria-hidden': 'true' });
}

export function makeBar(large) {
  return h('div', { class: large ? 'bar large' : 'bar', role: 'img' },
    ...PARTS.map(({ key }) => h('span', { class: `segment part-${key}`, 'data-part': key })));
}

export function updateBar(bar, balance) {
  const widths = shares(PARTS.map(({ key }) => balance[key].ranges));
  PARTS.forEach(({ key }, i) => {
    const segment = bar.children[i];
    setAttribute(segment, 'hidden', widths[i] === 0);
    setStyle(segment, 'flex-grow', widths[i].toFixed(4));
    setAttribute(segment, 'data-tip', `${PARTS[i].name}: ${count(balance[key].ranges)} (${percent(widths[i])})`);
  });
  setAttribute(bar, 'aria-label', `Tree of ${count(balance.tree.ranges)} ranges: ` +
    PARTS.map(({ name }, i) => `${name} ${percent(widths[i])}`).join(', '));
}

function makeChip() {
  return h('span', { class: 'chip' }, icon('warning'), h('span'));
}

// One chip for each active verdict.
export function updateVerdicts(parent, domain) {
  keyed(parent, activeVerdicts(domain), (v) => v.verdict, makeChip, (chip, v) => {
    const state = severity(v.verdict);
    setClass(chip, `chip ${state}`);
    setIcon(chip.firstElementChild, state);
    setText(chip.lastElementChild, words(v.verdict));
    setAttribute(chip, 'data-tip', v.evidence);
  });
}

const CONFIDENCE_STATES = { exact: 'good', resynced: 'good', partial: 'warning', lossy: 'critical' };

export function makeConfidence() {
  return h('span', { class: 'confidence' }, icon('good'), h('span'));
}

export function updateConfidence(element, confidence) {
  const state = CONFIDENCE_STATES[confidence.state] ?? 'unknown';
  setClass(element, `confidence ${state}`);
  setIcon(element.firstElementChild, state);
  setText(element.lastElementChild, confidence.text);
}

// The drivers and devices of a domain, on one line.
export function deviceText(domain) {
  const drivers = domain.drivers.join(', ');
  const devices = domain.devices.join(', ');
  if (drivers && devices) return `${drivers} · ${devices}`;
  return drivers || devices || 'no device';
}
