// SPDX-License-Identifier: Apache-2.0
// The colours in tokens.css can be told apart with every kind of colour vision, and their contrast is high enough.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';

const css = fs.readFileSync(new URL('../../../exporters/web/page/style/tokens.css', import.meta.url), 'utf8');
const colours = (block) => Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
const [light, dark, system] = css.split(/:root[^{]*\{/).slice(1).map(colours);

const linear = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (a, b) => {
  const [high, low] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};

// Full dichromacy in linear RGB (Machado, Oliveira, Fernandes 2009, severity 1).
const VISION = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const seen = (hex, matrix) => matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, k, i) => sum + k * linear(hex)[i], 0))));

function lab(rgb) {
  const [r, g, b] = rgb;
  const f = (t) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(luminance(rgb));
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const distance = (a, b) => Math.hypot(...lab(a).map((v, i) => v - lab(b)[i]));

const themes = { light, dark };

test('the dark theme is the same whether chosen or set by the system', () => assert.deepEqual(system, dark));

for (const [theme, set] of Object.entries(themes)) {
  test(`${theme}: neighbouring parts of a bar and lines of a chart can be told apart with any colour vision`, () => {
    const pairs = [['part-outstanding', 'part-cpu_cached'], ['part-cpu_cached', 'part-depot_cached'], ['part-outstanding', 'part-depot_cached'],
      ['part-depot_cached', 'part-reserved'], ['part-outstanding', 'part-reserved'], ['line-1', 'line-2']];
    for (const [vision, matrix] of Object.entries(VISION)) {
      for (const [a, b] of pairs) {
        const difference = distance(seen(set[a], matrix), seen(set[b], matrix));
        assert.ok(difference >= 14, `${a} and ${b} with ${vision}: ${difference.toFixed(1)}`);
      }
    }
  });

  test(`${theme}: the lightness of the heat map's colours increases or decreases steadily`, () => {
    const ramp = Array.from({ length: 6 }, (_, i) => lab(linear(set[`heat-${i}`]))[0]);
    for (let i = 1; i < ramp.length; ++i) {
      const step = (ramp[i] - ramp[i - 1]) * (theme === 'light' ? -1 : 1);
      assert.ok(step >= 6, `heat-${i - 1} to heat-${i}: ${step.toFixed(1)}`);
    }
  });

  test(`${theme}: text has enough contrast on every background`, () => {
    for (const background of ['bg', 'surface', 'raised', 'accent-soft', 'warning-soft', 'critical-soft']) {
      for (const ink of ['text', 'muted']) assert.ok(contrast(set[ink], set[background]) >= 4.5, `${ink} on ${background}: ${contrast(set[ink], set[background]).toFixed(2)}`);
    }
    for (const [ink, background] of [['good', 'surface'], ['warning', 'warning-soft'], ['critical', 'critical-soft'], ['warning', 'surface'], ['critical', 'surface'], ['accent', 'surface'], ['accent', 'accent-soft'], ['critical', 'accent-soft'], ['good', 'accent-soft']]) {
      assert.ok(contrast(set[ink], set[background]) >= 4.5, `${ink} on ${background}: ${contrast(set[ink], set[background]).toFixed(2)}`);
    }
  });

  test(`${theme}: bars have enough contrast with the page`, () => {
    for (const part of ['outstanding', 'depot_cached', 'reserved', 'cpu_cached']) {
      const ratio = contrast(set[`part-${part}`], set.surface);
      assert.ok(ratio >= (part === 'cpu_cached' && theme === 'light' ? 1.9 : part === 'reserved' && theme === 'light' ? 2.4 : 3), `${part}: ${ratio.toFixed(2)}`);
    }
  });
}
