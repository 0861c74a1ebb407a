// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { activeVerdicts, answers, compareLabels, growthBand, grows, headline, matches, ratioBand, severity, sorted } from '../../../exporters/web/page/lib/attention.js';
import { makeState } from '../mock/state.mjs';

const labels = (domains) => domains.map((d) => d.domain);

function domain(label, changes = {}) {
  const { verdicts = [], ratio = null, tree = 0, outstanding = 0, cached = 0, state = 'exact', unaccounted = 0, kind = 'bounded', overflows = 0 } = changes;
  return {
    domain: label, type: 'DMA-FQ', devices: ['0000:00:03.0'], drivers: ['nvme'], confidence: { state },
    balance: {
      tree: { ranges: 10_000, per_second: tree }, outstanding: { ranges: 5_000, per_second: outstanding },
      cpu_cached: { ranges: 5_000, per_second: cached }, depot_cached: { ranges: 0, per_second: cached === null ? null : 0 }, unaccounted: { ranges: unaccounted },
    },
    depot: { kind, mark_magazines: 32, fullest: ratio === null ? null : { order: '0', magazines: Math.round(32 * ratio), ratio } },
    rates: { depot_overflows: overflows }, verdicts: verdicts.map((verdict) => ({ verdict, holds: true, evidence: '' })),
  };
}

const status = { events: { lost: 0 } };

test('labels are sorted by number, group numbers before iovad-N', () => {
  assert.deepEqual(['iovad-2', '10', '2', 'iovad-10', '2b'].sort(compareLabels), ['2', '2b', '10', 'iovad-2', 'iovad-10']);
});

test('sorted by attention: critical verdicts, warnings, depot fill, growth of the tree, lost events', () => {
  const domains = [
    domain('1'), domain('2', { state: 'lossy' }), domain('3', { tree: 1 }), domain('4', { ratio: 0.96 }), domain('5', { verdicts: ['cache-growth'] }),
    domain('6', { verdicts: ['leak-suspected'] }), domain('7', { verdicts: ['cache-growth', 'stranded-cache'] }), domain('8', { tree: 400 }), domain('9', { ratio: 0.5, tree: 900 }),
  ];
  assert.deepEqual(labels(sorted(domains)), ['6', '7', '5', '4', '9', '8', '3', '2', '1']);
});

test('"healthy" and verdicts that do not hold are not active; an unknown verdict is a warning', () => {
  const d = domain('1', { verdicts: ['healthy', 'of-the-future'] });
  d.verdicts.push({ verdict: 'depot-saturated', holds: false, evidence: '' });
  assert.deepEqual(activeVerdicts(d).map((v) => v.verdict), ['of-the-future']);
  assert.equal(severity('of-the-future'), 'warning');
  assert.equal(severity('depot-saturated'), 'critical');
});

test('small changes do not change the order', () => {
  const domains = [domain('1', { ratio: 0.81, tree: 0.2 }), domain('2', { ratio: 0.86, tree: 0.3 })];
  assert.deepEqual(labels(sorted(domains)), ['1', '2']);
  assert.equal(ratioBand(null), 0);
  assert.equal(growthBand(null), 0);
  assert.equal(growthBand(-5), 0);
});

test('other sort orders: unknown slopes come last, equal domains are sorted by label', () => {
  const domains = [domain('9', { tree: null }), domain('3', { tree: 2 }), domain('1', { tree: 2 }), domain('2', { tree: 5 })];
  assert.deepEqual(labels(sorted(domains, 'growth')), ['2', '1', '3', '9']);
  assert.deepEqual(labels(sorted(domains, 'domain')), ['1', '2', '3', '9']);
  assert.deepEqual(labels(sorted(domains, 'no-such-order')), labels(sorted(domains)));
  for (const by of ['tree', 'outstanding', 'cpu_cached', 'depot']) assert.deepEqual(labels(sorted(domains, by)), ['1', '2', '3', '9'], by);
  assert.deepEqual(labels(domains), ['9', '3', '1', '2'], 'the input is not modified');
});

test('the filter matches when every word occurs', () => {
  const d = domain('12', { verdicts: ['cache-growth'] });
  for (const filter of ['', '12', 'NVME 03.0', 'growth', 'exact dma-fq']) assert.ok(matches(d, filter), filter);
  for (const filter of ['13', 'nvme lossy']) assert.ok(!matches(d, filter), filter);
});

test('growth matters from one range per minute and a share of the tree', () => {
  const d = domain('1');
  assert.ok(!grows(d, 0.2));
  assert.ok(grows(d, 0.4));
  assert.ok(!grows(d, null));
  assert.ok(!grows(d, -9));
});

test('the answers for a host without problems', () => {
  const quiet = answers([domain('1'), domain('2', { ratio: 0.4 })], status);
  for (const [question, answer] of Object.entries(quiet)) assert.equal(answer.state, 'good', question);
  assert.match(quiet.depots.evidence, /domain 2, order 0: 13 \/ 32 magazines \(40 %\)/);
});

test('the answers name the domain in question', () => {
  const domains = [domain('1'), domain('4', { ratio: 1, overflows: 2.5, verdicts: ['depot-saturated'] }), domain('7', { cached: 3, verdicts: ['cache-growth'] }),
    domain('9', { outstanding: 2, verdicts: ['leak-suspected'] }), domain('11', { state: 'lossy' })];
  const all = answers(domains, status);
  assert.deepEqual(Object.fromEntries(Object.entries(all).map(([k, a]) => [k, [a.state, a.text, a.domain]])), {
    caches: ['warning', 'Yes, in domain 7', '7'], depots: ['critical', 'Yes, in domain 4', '4'],
    leaks: ['critical', 'Suspected in domain 9', '9'], trust: ['critical', 'Not in domain 11', '11'],
  });
  assert.match(all.depots.evidence, /overflows: 2\.5\/s/);
});

test('growth without a verdict is reported as growth, not as a leak', () => {
  const all = answers([domain('1', { outstanding: 2, cached: 2 })], status);
  assert.equal(all.leaks.text, 'Possibly, in domain 1');
  assert.equal(all.caches.text, 'Growing in domain 1');
});

test('a bounded depot that is nearly full is a warning; an unbounded one above its threshold is not', () => {
  assert.equal(answers([domain('1', { ratio: 0.9 })], status).depots.text, 'Nearly, at 90 %');
  const unbounded = answers([domain('1', { ratio: 2, kind: 'unbounded' })], status).depots;
  assert.equal(unbounded.state, 'good');
  assert.match(unbounded.evidence, /200 % of the reclaim threshold/);
});

test('without slopes the answer is unknown', () => {
  const all = answers([domain('1', { cached: null, outstanding: null })], status);
  assert.equal(all.caches.state, 'unknown');
  assert.equal(all.leaks.state, 'unknown');
  for (const [question, answer] of Object.entries(answers([], status))) assert.equal(answer.state, 'unknown', question);
});

test('domains with unaccounted ranges or not yet read are not trusted', () => {
  assert.equal(answers([domain('3', { unaccounted: -41 })], status).trust.text, 'Unaccounted ranges in domain 3');
  assert.equal(answers([domain('3', { state: 'partial' })], status).trust.text, 'Partly in domain 3');
});

test('the headline counts domains and names their verdicts', () => {
  assert.equal(headline([]), '0 domains, no active verdict');
  assert.equal(headline([domain('1', { verdicts: ['cache-growth'] }), domain('2')]), '1 of 2 domains needs attention: cache growth');
});

test('the balance sheets of the mock add up', () => {
  const kinds = ['steady', 'growing', 'saturated', 'leaking', 'lossy', 'partial', 'resynced', 'off'];
  for (const depot of ['bounded', 'unbounded']) {
    for (const tick of [0, 7, 100]) {
      for (const d of makeState({ domains: 9, cpus: 16, kinds, depot }, tick).domains.domains) {
        const b = d.balance;
        assert.equal(b.tree.ranges, b.outstanding.ranges + b.cpu_cached.ranges + b.depot_cached.ranges + b.reserved.ranges + b.unaccounted.ranges, `${d.domain} at ${tick}`);
      }
    }
  }
});
