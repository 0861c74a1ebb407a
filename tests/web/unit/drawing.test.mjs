// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { byNode, extent, layout, level, sample, shares, stacked } from '../../../exporters/web/page/lib/drawing.js';

test('fill levels: empty, four quarters, full', () => {
  const fills = [[0, 0], [1, 1], [63, 1], [64, 2], [127, 2], [128, 3], [190, 3], [191, 4], [253, 4], [254, 5], [300, 5]];
  for (const [fill, expected] of fills) assert.equal(level(fill, 254), expected, `fill ${fill}`);
  assert.equal(level(5, 0), 0);
  assert.equal(level(null, 254), 0);
});

test('CPUs are grouped by node, those without a node last', () => {
  const cpus = { cpu: [0, 1, 4, 9], node: [1, 0, 1, null] };
  assert.deepEqual(byNode(cpus), [{ node: 0, indices: [1] }, { node: 1, indices: [0, 2] }, { node: null, indices: [3] }]);
});

const group = (node, n, from = 0) => ({ node, indices: Array.from({ length: n }, (_, i) => from + i) });

test('every CPU is in one strip, no strip is too wide, and cells have the allowed size', () => {
  for (const width of [300, 360, 640, 1000]) {
    for (const sizes of [[1], [8], [2, 2], [64, 64], [256], [13, 100, 7]]) {
      let from = 0;
      const groups = sizes.map((n, node) => {
        const made = group(node, n, from);
        from += n;
        return made;
      });
      const { strips, cell, perStrip } = layout(groups, width);
      assert.deepEqual(strips.flatMap((s) => s.indices), Array.from({ length: from }, (_, i) => i), `${width} ${sizes}`);
      assert.ok(cell >= 9 && cell <= 26, `cell ${cell}`);
      assert.ok(perStrip * cell <= width - 30, `${perStrip} * ${cell} in ${width}`);
      assert.equal(strips.filter((s) => s.first).length, sizes.length);
    }
  }
});

test('256 CPUs are readable on a phone and on a desktop', () => {
  const desktop = layout([group(0, 128), group(1, 128, 128)], 680);
  assert.deepEqual(desktop.strips.map((s) => s.indices.length), [64, 64, 64, 64]);
  const phone = layout([group(0, 256)], 310);
  assert.ok(phone.strips.length <= 11 && phone.cell >= 9, `${phone.strips.length} strips of ${phone.cell} px`);
});

test('shares add up to 1', () => {
  assert.deepEqual(shares([1, 3, 0, 0, 0]), [0.25, 0.75, 0, 0, 0]);
  assert.deepEqual(shares([3, -1]), [0.75, 0.25]);
  assert.deepEqual(shares([0, null]), [0, 0]);
});

test('samples include both ends', () => {
  assert.deepEqual(sample(3, 31), [0, 1, 2]);
  const picked = sample(360, 31);
  assert.equal(picked.length, 31);
  assert.equal(picked[0], 0);
  assert.equal(picked.at(-1), 359);
  assert.deepEqual(picked, [...new Set(picked)]);
});

test('extents and stacked series skip unknown values', () => {
  assert.deepEqual(extent([null, 4, 1, null]), { low: 1, high: 4, last: 1 });
  assert.equal(extent([null, NaN]), null);
  assert.deepEqual(stacked([[1, 2, null], [10, null, 5]]), [[1, 2, null], [11, null, null]]);
});
