// SPDX-License-Identifier: Apache-2.0
// Every number that the page shows, compared with the API's bodies of the same snapshot.
import assert from 'node:assert/strict';
import http from 'node:http';

import { until } from './harness.mjs';

// A second client of the stream, to compare the page with.
export class StreamClient {
  constructor(url, domain) {
    this.events = new Map();  // name -> Map id -> body
    let rest = '';
    this.request = http.get(`${url}api/v1/stream?domain=${encodeURIComponent(domain)}`, (response) => {
      response.setEncoding('utf8');
      response.on('data', (piece) => {
        rest += piece;
        const records = rest.split('\n\n');
        rest = records.pop();
        for (const record of records) this.take(record);
      });
      response.on('error', (error) => { this.error = error; });
    });
    this.request.on('error', (error) => { this.error = error; });
  }

  take(record) {
    const fields = new Map(record.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
    const name = fields.get('event');
    if (name === undefined) return;
    if (!this.events.has(name)) this.events.set(name, new Map());
    this.events.get(name).set(Number(fields.get('id')), JSON.parse(fields.get('data')));
  }

  // The body of this event. null if this client has missed it, as it may: the daemon sends a slow client the newest
  // snapshot only.
  async event(name, id) {
    await until(() => {
      if (this.error) throw this.error;
      return [...(this.events.get(name)?.keys() ?? [])].some((known) => known >= id);
    }, `the stream has sent ${name} ${id}`);
    return this.events.get(name).get(id) ?? null;
  }

  close() {
    this.request.destroy();
  }
}

// "1,234" -> 1234, "−41" -> -41, "–" -> null
function number(text) {
  const plain = text.trim().replaceAll(',', '').replace('−', '-');
  if (plain === '–' || plain === '') return null;
  assert.match(plain, /^-?\d+$/, `"${text}" is not an integer`);
  return Number(plain);
}

// "+3.2/min" -> ranges per second; null when unknown.
function perSecond(text) {
  if (text === '–') return null;
  if (text === 'steady') return 0;
  const [, sign, digits, letter, unit] = /^([+−])([\d.,]+)([kMG]?)\/(min|h)$/.exec(text) ?? assert.fail(`"${text}" is not a slope`);
  return ((sign === '−' ? -1 : 1) * Number(digits.replaceAll(',', '')) * { '': 1, k: 1e3, M: 1e6, G: 1e9 }[letter]) / { min: 60, h: 3600 }[unit];
}

function assertSlope(text, value, what) {
  const read = perSecond(text);
  if (value === null || read === null) {
    assert.equal(read, value, what);
    return;
  }
  const allowed = Math.max(0.006 * Math.abs(value), 0.5 / 3600);
  assert.ok(Math.abs(read - value) <= allowed, `${what}: the page shows ${text}, the API ${value}/s`);
}

// All numbers on the page, as text.
export function readPage(page) {
  return page.evaluate(() => {
    const text = (element) => element?.textContent ?? null;
    const rows = [...document.querySelectorAll('.rows .row')].map((row) => ({
      domain: row.dataset.domain, confidence: text(row.querySelector('.confidence span')), verdicts: [...row.querySelectorAll('.chip')].map(text),
      cells: Object.fromEntries([...row.querySelectorAll('.cell')].map((cell) => [cell.dataset.part, [text(cell.querySelector('.number')), text(cell.querySelector('.slope'))]])),
    }));
    const lines = Object.fromEntries([...document.querySelectorAll('.ledger tbody tr')].map((row) => [row.dataset.line, [...row.children].map(text)]));
    const gauges = [...document.querySelectorAll('.gauge')].map((gauge) => ({ order: gauge.dataset.order, value: text(gauge.querySelector('.number')), fill: gauge.querySelector('.fill').style.width }));
    const orders = [...document.querySelectorAll('tr[data-order]')].map((row) => ({ order: row.dataset.order, ...Object.fromEntries([...row.querySelectorAll('td')].map((cell) => [cell.dataset.key, text(cell)])) }));
    const heat = [...document.querySelectorAll('[aria-labelledby="heatmap-title"] tbody tr')].map((row) => [...row.children].map(text));
    const figures = Object.fromEntries([...document.querySelectorAll('#daemon [data-fact]')].map((f) => [f.dataset.fact, [...f.querySelectorAll('dd')].map(text)]));
    return {
      snapshot: Number(document.documentElement.dataset.snapshot), detailSnapshot: Number(document.getElementById('detail').dataset.snapshot), title: text(document.getElementById('detail-title')),
      rows, lines, gauges, orders, heat, figures, notes: [...document.querySelectorAll('.notes li')].map((n) => text(n.lastElementChild)), host: text(document.getElementById('host')),
    };
  });
}

function compareRow(row, domain) {
  const what = `domain ${domain.domain}`;
  assert.equal(row.confidence, domain.confidence.text, what);
  const verdicts = domain.verdicts.filter((v) => v.holds && v.verdict !== 'healthy').map((v) => v.verdict.replaceAll('-', ' '));
  assert.deepEqual(row.verdicts, verdicts, what);
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

// The page must be paused and its table of CPUs open. Returns what was compared; null when the client has missed the
// snapshot that the page shows.
export async function compareWithApi(page, client) {
  const read = await readPage(page);
  const snapshot = await client.event('snapshot', read.snapshot);
  const detail = await client.event('domain', read.detailSnapshot);
  if (snapshot === null || detail === null) return null;
  const { domains } = snapshot.domains;
  assert.equal(read.rows.length, domains.length);
  assert.deepEqual(new Set(read.rows.map((r) => r.domain)), new Set(domains.map((d) => d.domain)));
  for (const row of read.rows) compareRow(row, domains.find((d) => d.domain === row.domain));
  compareDetail(read, detail);
  compareDaemon(read, snapshot);
  return { domains: domains.length, cpus: read.heat.length };
}
