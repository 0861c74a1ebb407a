// SPDX-License-Identifier: Apache-2.0
// Every number on a page that stands still against the API's bodies of the same snapshot.
import assert from 'node:assert/strict';

import { assertSlope, number, readPage } from './harness.mjs';

function compareRow(row, domain) {
  const what = `domain ${domain.domain}`;
  assert.equal(row.confidence, domain.confidence.text, what);
  const standing = domain.verdicts.filter((v) => v.holds && v.verdict !== 'healthy').map((v) => v.verdict.replaceAll('-', ' '));
  assert.deepEqual(row.verdicts, standing, what);
  for (const part of ['tree', 'outstanding', 'cpu_cached', 'depot_cached', 'reserved', 'unaccounted']) {
    const [ranges, slope] = row.cells[part];
    assert.equal(number(ranges), domain.balance[part].ranges, `${what} ${part}`);
    if ('per_second' in domain.balance[part]) assertSlope(slope, domain.balance[part].per_second, `${what} ${part}`);
  }
}

function compareDetail(read, detail) {
  const { domain, orders, cpus } = detail;
  assert.equal(read.title, `Domain ${domain.domain}`);
  for (const part of Object.keys(domain.balance)) {
    const [, ranges, , slope] = read.lines[part];
    assert.equal(number(ranges), domain.balance[part].ranges, `ledger ${part}`);
    if ('per_second' in domain.balance[part]) assertSlope(slope, domain.balance[part].per_second, `ledger ${part}`);
  }
  assert.equal(read.gauges.length, 6);
  for (const gauge of read.gauges) {
    const order = orders.find((o) => o.order === gauge.order);
    const [magazines, mark] = gauge.value.split(' / ').map(number);
    assert.equal(magazines, order.depot_magazines, `depot of order ${gauge.order}`);
    assert.equal(mark ?? null, domain.depot.mark_magazines, `mark of order ${gauge.order}`);
    if (domain.depot.kind === 'bounded') {
      assert.ok(Math.abs(parseFloat(gauge.fill) - (100 * magazines) / Math.max(mark, ...orders.map((o) => o.depot_magazines ?? 0))) < 0.02, `gauge of order ${gauge.order} is ${gauge.fill} wide`);
    }
  }
  assert.equal(read.orders.length, 7);
  for (const { order, ...columns } of read.orders) {
    const expected = orders.find((o) => o.order === order);
    for (const [key, text] of Object.entries(columns)) assert.equal(number(text), expected[key], `order ${order} ${key}`);
  }
  assert.equal(read.heat.length, cpus.cpu.length);
  for (const [cpu, node, ...fills] of read.heat) {
    const i = cpus.cpu.indexOf(Number(cpu));
    assert.equal(node, cpus.node[i] === null ? '–' : String(cpus.node[i]));
    let sum = 0;
    for (let order = 0; order < 6; ++order) {
      const expected = cpus.loaded[i][order] === null ? null : cpus.loaded[i][order] + cpus.prev[i][order];
      assert.equal(number(fills[order]), expected, `CPU ${cpu} order ${order}`);
      sum += expected ?? 0;
    }
    assert.equal(number(fills[6]), sum, `CPU ${cpu}`);
  }
}

function compareDaemon(read, { status, notes }) {
  assert.equal(number(read.figures['lost events'][0]), status.events.lost);
  assert.ok(read.figures.events[1].startsWith(`${status.events.applied.toLocaleString('en-US')} applied`), read.figures.events[1]);
  assert.ok(read.host.includes(`kernel ${status.kernel.release}`), read.host);
  assert.deepEqual(read.notes, notes.notes.slice(0, 100).map((n) => (n.domain === null ? n.text : `domain ${n.domain}: ${n.text}`)));
}

// The page must be paused, its table of CPUs open. event(name, id) gives the API's body.
export async function compareWithApi(page, event) {
  const read = await readPage(page);
  const snapshot = await event('snapshot', read.snapshot);
  const { domains } = snapshot.domains;
  assert.equal(read.rows.length, domains.length);
  assert.deepEqual(new Set(read.rows.map((r) => r.domain)), new Set(domains.map((d) => d.domain)));
  for (const row of read.rows) compareRow(row, domains.find((d) => d.domain === row.domain));
  compareDetail(read, await event('domain', read.detailSnapshot));
  compareDaemon(read, snapshot);
  return { domains: domains.length, cpus: read.heat.length };
}
