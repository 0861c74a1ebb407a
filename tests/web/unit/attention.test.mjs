// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answers, compareLabels, grows, headline, holding, matches, ratioBand, growthBand, severity, sorted } from '../../../exporters/web/page/lib/attention.js';
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

test('labels: numbers by value, groups before iovad-N', () => {
  assert.deepEqual(['iovad-2', '10', '2', 'iovad-10', '2b'].sort(compareLabels), ['2', '2b', '10', 'iovad-2', 'iovad-10']);
});

test('what needs attention comes first: verdicts by gravity, then the depot, then growth, then doubt', () => {
  const domains = [
    domain('1'), domain('2', { state: 'lossy' }), domain('3', { tree: 1 }), domain('4', { ratio: 0.96 }), domain('5', { verdicts: ['cache-growth'] }),
    domain('6', { verdicts: ['leak-suspected'] }), domain('7', { verdicts: ['cache-growth', 'stranded-cache'] }), domain('8', { tree: 400 }), domain('9', { ratio: 0.5, tree: 900 }),
  ];
  assert.deepEqual(labels(sorted(domains)), ['6', '7', '5', '4', '9', '8', '3', '2', '1']);
});

test('healthy is no verdict to look at, one that does not hold neither; an unknown one is a warning', () => {
  const d = domain('1', { verdicts: ['healthy', 'of-the-future'] });
  d.verdicts.push({ verdict: 'depot-saturated', holds: false, evidence: '' });
  assert.deepEqual(holding(d).map((v) => v.verdict), ['of-the-future']);
  assert.equal(severity('of-the-future'), 'warning');
  assert.equal(severity('depot-saturated'), 'critical');
});

test('small steps do not change places', () => {
  const domains = [domain('1', { ratio: 0.81, tree: 0.2 }), domain('2', { ratio: 0.86, tree: 0.3 })];
  assert.deepEqual(labels(sorted(domains)), ['1', '2']);
  assert.equal(ratioBand(null), 0);
  assert.equal(growthBand(null), 0);
  assert.equal(growthBand(-5), 0);
});

test('other orders: unknown slopes go last, equals by label', () => {
  const domains = [domain('9', { tree: null }), domain('3', { tree: 2 }), domain('1', { tree: 2 }), domain('2', { tree: 5 })];
  assert.deepEqual(labels(sorted(domains, 'growth')), ['2', '1', '3', '9']);
  assert.deepEqual(labels(sorted(domains, 'domain')), ['1', '2', '3', '9']);
  assert.deepEqual(labels(sorted(domains, 'no-such-order')), labels(sorted(domains)));
  for (const by of ['tree', 'outstanding', 'cpu_cached', 'depot']) assert.deepEqual(labels(sorted(domains, by)), ['1', '2', '3', '9'], by);
  assert.deepEqual(labels(domains), ['9', '3', '1', '2'], 'the input is left alone');
});

test('the filter finds every word somewhere', () => {
  const d = domain('12', { verdicts: ['cache-growth'] });
  for (const filter of ['', '12', 'NVME 03.0', 'growth', 'exact dma-fq']) assert.ok(matches(d, filter), filter);
  for (const filter of ['13', 'nvme lossy']) assert.ok(!matches(d, filter), filter);
});

test('growth counts from a range a minute and a share of the tree', () => {
  const d = domain('1');
  assert.ok(!grows(d, 0.2));
  assert.ok(grows(d, 0.4));
  assert.ok(!grows(d, null));
  assert.ok(!grows(d, -9));
});

test('answers of a quiet host', () => {
  const quiet = answers([domain('1'), domain('2', { ratio: 0.4 })], status);
  for (const [question, answer] of Object.entries(quiet)) assert.equal(answer.state, 'good', question);
  assert.match(quiet.depots.evidence, /domain 2, order 0: 13 \/ 32 magazines \(40 %\)/);
});

test('answers name the domain to look at', () => {
  const domains = [domain('1'), domain('4', { ratio: 1, overflows: 2.5, verdicts: ['depot-saturated'] }), domain('7', { cached: 3, verdicts: ['cache-growth'] }),
    domain('9', { outstanding: 2, verdicts: ['leak-suspected'] }), domain('11', { state: 'lossy' })];
  const all = answers(domains, status);
  assert.deepEqual(Object.fromEntries(Object.entries(all).map(([k, a]) => [k, [a.state, a.text, a.domain]])), {
    caches: ['warning', 'Yes, in domain 7', '7'], depots: ['critical', 'Yes, in domain 4', '4'],
    leaks: ['critical', 'Suspected in domain 9', '9'], trust: ['critical', 'Not in domain 11', '11'],
  });
  assert.match(all.depots.evidence, /2.5\/s overflows/);
});

test('growth without a verdict is told as growth, not as a leak', () => {
  const all = answers([domain('1', { outstanding: 2, cached: 2 })], status);
  assert.equal(all.leaks.text, 'Outstanding grows in domain 1');
  assert.equal(all.caches.text, 'Growing in domain 1');
});

test('a depot that is nearly full is a warning; an unbounded one above its threshold is not', () => {
  assert.equal(answers([domain('1', { ratio: 0.9 })], status).depots.text, 'Nearly, at 90 %');
  const unbounded = answers([domain('1', { ratio: 2, kind: 'unbounded' })], status).depots;
  assert.equal(unbounded.state, 'good');
  assert.match(unbounded.evidence, /200 % of the reclaim threshold/);
});

test('without slopes nothing is claimed', () => {
  const all = answers([domain('1', { cached: null, outstanding: null })], status);
  assert.equal(all.caches.state, 'unknown');
  assert.equal(all.leaks.state, 'unknown');
  for (const [question, answer] of Object.entries(answers([], status))) assert.equal(answer.state, 'unknown', question);
});

test('numbers that do not add up are not trusted', () => {
  assert.equal(answers([domain('3', { unaccounted: -41 })], status).trust.text, 'Unaccounted in domain 3');
  assert.equal(answers([domain('3', { state: 'partial' })], status).trust.text, 'Partly in domain 3');
});

test('headline', () => {
  assert.equal(headline([]), '0 domains, nothing stands out');
  assert.equal(headline([domain('1', { verdicts: ['cache-growth'] }), domain('2')]), '1 of 2 domains needs attention: cache growth');
});

test('the mock host adds up in every domain and tick', () => {
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
