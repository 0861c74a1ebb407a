// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as f from '../../../exporters/web/page/lib/format.js';

function table(name, call, rows) {
  test(name, () => {
    for (const [input, expected] of rows) assert.equal(call(input), expected, `${name}(${input})`);
  });
}

table('count', f.count, [[0, '0'], [999, '999'], [1234567, '1,234,567'], [-41, '−41'], [null, '–'], [undefined, '–'], [NaN, '–'], [2 ** 53, '9,007,199,254,740,992']]);
table('short', f.short, [[0, '0'], [1, '1'], [1.256, '1.26'], [12.56, '12.6'], [99.94, '99.9'], [99.96, '100'], [1234.5, '1,235'], [-0.001, '0'], [-2.5, '−2.5'], [null, '–']]);
table('slope', f.slope, [
  [0, 'steady'], [0.0001, 'steady'], [0.003, '+10.8/h'], [-0.0012, '−4.32/h'], [0.25, '+15/min'], [-3, '−180/min'], [3000, '+180k/min'], [50000, '+3M/min'], [null, '–'],
]);
table('rate', f.rate, [[0, '0/s'], [5000.5, '5,001/s'], [0.25, '0.25/s'], [0.05, '3/min'], [0.0005, '1.8/h'], [250000, '250k/s'], [null, '–'], [undefined, '–']]);
table('duration', f.duration, [
  [0, '0 s'], [1e-7, '100 ns'], [2.5e-6, '2.5 µs'], [1e-6, '1 µs'], [9.999e-4, '1 ms'], [0.00123, '1.23 ms'], [0.9999, '1 s'], [3.4, '3.4 s'], [null, '–'],
]);
test('a quantile beyond the last bucket is not unknown', () => {
  assert.equal(f.quantile(null, 0), '–');
  assert.equal(f.quantile(null, 7), '> 100 ms');
  assert.equal(f.quantile(2.5e-5, 7), '25 µs');
});
table('span', f.span, [[0, '0 s'], [59.9, '59 s'], [99, '99 s'], [240, '4 min'], [7500, '2 h 05 min'], [273600, '3 d 4 h'], [-3, '0 s'], [null, '–']]);
table('bytes', f.bytes, [[0, '0 B'], [1023, '1,023 B'], [1024, '1 KiB'], [1536, '1.5 KiB'], [38273024, '36.5 MiB'], [1048575, '1 MiB'], [null, '–']]);
table('percent', f.percent, [
  [0, '0 %'], [0.0001, '< 0.1 %'], [0.03, '3 %'], [0.0312, '3.1 %'], [0.5, '50 %'], [0.934, '93 %'], [0.9956, '99.6 %'], [0.99999, '> 99.9 %'], [1, '100 %'], [1.5, '150 %'], [18, '1,800 %'], [null, '–'],
]);
test('clock and date are in the local time zone', () => {
  const at = new Date(2026, 10, 25, 3, 2, 5).getTime() / 1000;
  assert.equal(f.clock(at), '03:02:05');
  assert.equal(f.dateTime(at), '2026-11-25 03:02:05');
  assert.equal(f.clock(null), '–');
});
test('the size of an order depends on the granule', () => {
  assert.equal(f.orderSize('0', 4096), '4 KiB');
  assert.equal(f.orderSize('5', 16384), '512 KiB');
  assert.equal(f.orderSize('6+', 4096), '> 128 KiB');
  assert.equal(f.orderSize('3', null), '');
});
test('plural', () => {
  assert.equal(f.plural(1, 'domain'), '1 domain');
  assert.equal(f.plural(2000, 'push', 'pushes'), '2,000 pushes');
});
