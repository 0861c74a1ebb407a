// SPDX-License-Identifier: Apache-2.0
// From numbers to pictures: levels of the heat map, its layout, widths of bars, sampled history. Pure.

// Levels of fill: 0 empty, 1 to 4 by quarters, 5 full. Few, so that the eye can tell them apart.
export const LEVELS = 6;

export function level(fill, capacity) {
  if (!(fill > 0) || !(capacity > 0)) return 0;
  if (fill >= capacity) return LEVELS - 1;
  return Math.min(LEVELS - 2, Math.ceil((fill / capacity) * (LEVELS - 2)));
}

// The columns of the API by NUMA node: [{node: number|null, indices: positions in cpus.cpu}], by node.
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

// Where the cells go: each node is cut into strips of as many CPUs as fit. Few CPUs get large cells, many get
// small ones, never smaller than `least` pixels wide. Strips are about equally long and break at multiples of 8.
export function layout(groups, width, { least = 9, most = 26, margin = 30 } = {}) {
  const largest = groups.reduce((n, g) => Math.max(n, g.indices.length), 0);
  const room = Math.max(width - margin, least);
  const fit = Math.max(1, Math.floor(room / least));
  const whole = fit > 8 ? fit - (fit % 8) : fit;
  const even = Math.ceil(Math.ceil(largest / Math.ceil(largest / whole)) / 8) * 8;
  const perStrip = Math.max(1, fit >= largest ? largest : Math.min(even, whole));
  const cell = Math.max(least, Math.min(most, Math.floor(room / perStrip)));
  const strips = [];
  for (const { node, indices } of groups) {
    for (let at = 0; at < indices.length; at += perStrip) {
      strips.push({ node, first: at === 0, indices: indices.slice(at, at + perStrip) });
    }
  }
  return { perStrip, cell, strips };
}

// Shares of a bar that add up to 1. Parts below zero are drawn by their size: they are a difference too.
export function shares(parts) {
  const sizes = parts.map((part) => Math.abs(part ?? 0));
  const sum = sizes.reduce((a, b) => a + b, 0);
  return sizes.map((size) => (sum === 0 ? 0 : size / sum));
}

// Positions of at most `most` points spread over `length`, the last one among them.
export function sample(length, most) {
  if (length <= most) return Array.from({ length }, (_, i) => i);
  const step = (length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => Math.round(i * step));
}

// Smallest and largest known value and the last one; null when there is none.
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

// Sums of the series from the bottom up, for stacked areas; null where one of them is not known.
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
