// SPDX-License-Identifier: Apache-2.0
// Numbers prepared for drawing: levels and layout of the heat map, widths of bars, sampled history. Pure functions.

// Fill levels: 0 is empty, 1 to 4 are quarters, 5 is full. They are few, so that their colours can be told apart.
export const LEVELS = 6;

export function level(fill, capacity) {
  if (!(fill > 0) || !(capacity > 0)) return 0;
  if (fill >= capacity) return LEVELS - 1;
  return Math.min(LEVELS - 2, Math.ceil((fill / capacity) * (LEVELS - 2)));
}

// The API's columns grouped by NUMA node: [{node: number|null, indices: positions in cpus.cpu}], sorted by node.
export function byNode(cpus) {
  const nodes = new Map();
  cpus.cpu.forEach((_, i) => {
    const node = cpus.node[i] ?? null;
    if (!nodes.has(node)) nodes.set(node, []);
    nodes.get(node).push(i);
  });
  return [...nodes.entries()]
    .sort(([a], [b]) => (a === null ? 1 : b === null ? -1 : a - b))
    .map(([node, indices]) => ({ node, indices }));
}

// The layout of the cells: the CPUs of each node are split into strips of as many CPUs as fit. The fewer CPUs, the
// larger the cells; their width is between `min` and `max` pixels. Strips are about equally long and break at
// multiples of 8.
export function layout(groups, width, { min = 9, max = 26, margin = 30 } = {}) {
  const largest = groups.reduce((n, g) => Math.max(n, g.indices.length), 0);
  const room = Math.max(width - margin, min);
  const fit = Math.max(1, Math.floor(room / min));
  const whole = fit > 8 ? fit - (fit % 8) : fit;
  const even = Math.ceil(Math.ceil(largest / Math.ceil(largest / whole)) / 8) * 8;
  const perStrip = Math.max(1, fit >= largest ? largest : Math.min(even, whole));
  const cell = Math.max(min, Math.min(max, Math.floor(room / perStrip)));
  const strips = [];
  for (const { node, indices } of groups) {
    for (let at = 0; at < indices.length; at += perStrip) {
      strips.push({ node, first: at === 0, indices: indices.slice(at, at + perStrip) });
    }
  }
  return { perStrip, cell, strips };
}

// Shares of a bar that add up to 1. Negative parts (unaccounted ranges) count with their absolute value.
export function shares(parts) {
  const sizes = parts.map((part) => Math.abs(part ?? 0));
  const sum = sizes.reduce((a, b) => a + b, 0);
  return sizes.map((size) => (sum === 0 ? 0 : size / sum));
}

// At most `max` positions, spread evenly over `length`; both ends are included.
export function sample(length, max) {
  if (length <= max) return Array.from({ length }, (_, i) => i);
  const step = (length - 1) / (max - 1);
  return Array.from({ length: max }, (_, i) => Math.round(i * step));
}

// The lowest, the highest and the last known value; null when none is known.
export function extent(values) {
  let low = null;
  let high = null;
  let last = null;
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(value)) continue;
    low = low === null ? value : Math.min(low, value);
    high = high === null ? value : Math.max(high, value);
    last = value;
  }
  return last === null ? null : { low, high, last };
}

// Running sums of the series, for stacked areas; null where one of them is unknown.
export function stacked(series) {
  const sums = [];
  let below = null;
  for (const values of series) {
    const base = below;
    below = values.map((value, i) => {
      const under = base === null ? 0 : base[i];
      return value === null || under === null ? null : under + value;
    });
    sums.push(below);
  }
  return sums;
}
