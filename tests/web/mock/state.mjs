// SPDX-License-Identifier: Apache-2.0
// A simulated host: bodies of the JSON API, version 1, generated from a few traits per domain. The same options and
// tick always give the same bodies, and every balance sheet adds up.

const T0 = 1_796_000_000;
const MAGAZINE = 127;
const LIMIT = 32;
const INTERVAL = 10;

// A pseudo-random number in [0, 1) that depends on the arguments only.
export function noise(...keys) {
  let hash = 2166136261;
  for (const key of keys.join('/')) hash = Math.imul(hash ^ key.charCodeAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296;
}

const DRIVERS = [['nvme'], ['mlx5_core'], ['virtio-pci'], ['xhci_hcd'], ['ahci'], ['i40e'], ['nvme', 'pcieport']];

const VERDICTS = {
  'depot-saturated': ['2.40 magazines/s freed to the tree in the last 60 s, 0.19 % of one CPU\'s time spent in it', 'no magazine overflowed in the last 60 s'],
  'depot-filling': ['the depot of order 0 holds N of 32 magazines and will be full in 2400 s at the rate of the last 60 s', 'no depot grew in the last 60 s'],
  'size-mismatch': ['0.10 frees/s with a different size than allocated in the last 60 s; since the start in orders 2', 'no free with a different size in the last 60 s'],
  'uncacheable-load': ['61.0 % of 4180 allocations/s are too large for the caches', '0.0 % of 4180 allocations/s are too large for the caches'],
};

// The traits of a domain are its label and its kind: steady|saturated|growing|leaking|lossy|partial|resynced|off.
function fills(domain, options, tick) {
  const cpu = Array.from({ length: domain.cpus ?? options.cpus }, (_, i) => i);
  const busy = { saturated: 0.8, growing: 0.35 + 0.002 * tick }[domain.kind] ?? 0.3;
  const matrix = (which) => cpu.map((c) => Array.from({ length: 6 }, (_, order) => {
    const here = noise(domain.label, which, c, order);
    const hot = noise(domain.label, 'hot', c) < busy ? 1 : 0.12;
    const small = [1, 0.35, 0.2, 0.5, 0.08, 0.3][order];
    const wobble = noise(domain.label, which, c, order, tick) * 0.08;
    if (domain.kind === 'saturated' && order === 0 && here < 0.6) return MAGAZINE;
    return Math.max(0, Math.min(MAGAZINE, Math.round(MAGAZINE * (Math.pow(here, 1.2) + wobble) * hot * small * 1.5)));
  }));
  const loaded = matrix('loaded');
  const prev = matrix('prev');
  // Large ranges are rare: many CPUs have never touched order 4 of a domain.
  cpu.forEach((c) => {
    if (noise(domain.label, 'unused', c) > 0.45) return;
    loaded[c][4] = null;
    prev[c][4] = null;
  });
  return {
    magazine_capacity: MAGAZINE, cpu, node: cpu.map((c) => (options.nodes === 0 ? null : Math.floor((c * options.nodes) / cpu.length))),
    loaded, prev,
  };
}

function depots(domain, options, tick) {
  const top = { saturated: LIMIT, growing: 24, lossy: 12 }[domain.kind] ?? 5;
  const magazines = [top, Math.floor(top / 3), 2, Math.floor(top / 2), 0, 1].map((n, order) => (order === 0 && domain.kind === 'growing' ? Math.min(31, n + Math.floor(tick / 4)) : n));
  if (options.depot === 'unbounded') return magazines.map((n) => n * 6);
  return magazines;
}

function ordersOf(domain, options, cpus, magazines, tick) {
  const mark = options.depot === 'bounded' ? LIMIT : options.cpus;
  const n = cpus.cpu.length;
  const orders = [];
  for (let order = 0; order < 7; ++order) {
    const share = [0.5, 0.12, 0.08, 0.2, 0.03, 0.05, 0.02][order];
    const base = Math.round((domain.size ?? 4000) * share);
    const leak = domain.kind === 'leaking' && order === 0 ? 7 * tick : 0;
    const cached = order < 6;
    const held = cached ? cpus.cpu.map((_, i) => (cpus.loaded[i][order] ?? 0) + (cpus.prev[i][order] ?? 0)) : [];
    const overflows = domain.kind === 'saturated' && order === 0 ? 51_204 + 3 * tick : 0;
    orders.push({
      order: cached ? String(order) : '6+',
      outstanding: base + leak + Math.round(noise(domain.label, 'out', order, tick) * base * 0.02),
      cpu_cached: cached ? held.reduce((a, b) => a + b, 0) : null, cpu_capacity: cached ? 2 * MAGAZINE * n : null,
      cpus_holding: cached ? held.filter((x) => x > 0).length : null,
      depot_magazines: cached ? magazines[order] : null, depot_cached: cached ? magazines[order] * MAGAZINE : null,
      depot_ratio: cached ? magazines[order] / mark : null,
      allocations: 12_000_000 * (order + 1) + 4_180 * tick, allocation_failures: order === 5 ? 3 : 0, tree_allocations: 41_000 + 11 * tick + order,
      frees: 12_000_000 * (order + 1) - base + 4_180 * tick, tree_frees: 32_000 + 9 * tick, mismatched_frees: 0,
      depot_pushes: cached ? 90_210 + tick : null, depot_pops: cached ? 90_200 + tick : null,
      depot_overflows: cached ? overflows : null, depot_reclaims: cached ? (options.depot === 'unbounded' ? 17 * order + tick : 0) : null,
    });
  }
  return orders;
}

const sum = (list, pick) => list.reduce((total, item) => total + (pick(item) ?? 0), 0);

function confidence(domain, now) {
  const state = { lossy: 'lossy', partial: 'partial', resynced: 'resynced' }[domain.kind] ?? 'exact';
  const lost = state === 'lossy' || state === 'resynced';
  return {
    state, text: { lossy: '2 losses since it was read', resynced: 'resynced 42 s ago', partial: 'partial: not read yet', exact: 'exact' }[state],
    loss_marks: lost ? 2 : 0, last_loss: lost ? now - 50 : null, resynced: state === 'resynced' ? now - 42 : null,
    last_audit: state === 'partial' ? null : now - 21, last_repair: lost ? now - 400 : null,
  };
}

function verdicts(domain, orders) {
  const active = { saturated: 'depot-saturated', growing: 'depot-filling' }[domain.kind];
  return Object.entries(VERDICTS).map(([verdict, [yes, no]]) => ({ verdict, holds: verdict === active, evidence: verdict === active ? yes.replace('holds N', `holds ${orders[0].depot_magazines}`) : no }));
}

function summary(domain, options, orders, now) {
  const known = options.rates !== false;
  const slopes = {
    saturated: [2.4, 0.02, 1.9, 0.5], growing: [3.05, 0, 2.9, 0.15], leaking: [0.76, 0.75, 0, 0],
  }[domain.kind] ?? [0.004, -0.0012, 0.005, 0];
  const parts = { outstanding: sum(orders, (o) => o.outstanding), cpu_cached: sum(orders, (o) => o.cpu_cached), depot_cached: sum(orders, (o) => o.depot_cached) };
  const reserved = 2;
  const unaccounted = domain.kind === 'off' ? -41 : 0;
  const part = (ranges, i) => ({ ranges, per_second: known ? slopes[i] : null });
  const fullest = orders.filter((o) => o.depot_magazines > 0).sort((a, b) => b.depot_magazines - a.depot_magazines)[0];
  const overflowing = domain.kind === 'saturated' && options.depot === 'bounded';
  return {
    domain: domain.label, type: domain.type ?? 'DMA-FQ', devices: domain.devices, drivers: domain.drivers, granule_bytes: domain.granule ?? 4096, confidence: confidence(domain, now),
    balance: {
      tree: part(parts.outstanding + parts.cpu_cached + parts.depot_cached + reserved + unaccounted, 0), outstanding: part(parts.outstanding, 1),
      cpu_cached: part(parts.cpu_cached, 2), depot_cached: part(parts.depot_cached, 3), reserved: { ranges: reserved }, unaccounted: { ranges: unaccounted },
      outstanding_before_start: { ranges: 118 }, fq_pending: { ranges: domain.type === 'DMA' ? null : 251 },
    },
    depot: {
      kind: options.depot, mark_magazines: options.depot === 'bounded' ? LIMIT : options.cpus, magazines: orders.slice(0, 6).map((o) => o.depot_magazines),
      fullest: fullest ? { order: fullest.order, magazines: fullest.depot_magazines, ratio: fullest.depot_ratio } : null,
    },
    rates: known ? {
      seconds: 60, allocations: 4_180.25, allocation_failures: 0.05, tree_allocations: 11.5, frees: 4_179.5, depot_overflows: overflowing ? 2.4 : 0,
      depot_reclaims: options.depot === 'unbounded' ? 0.4 : 0, mismatched_frees: 0,
    } : null,
    tree_allocation: { count: 248_112, seconds: 0.812, p50: 2.5e-6, p99: overflowing ? 1e-3 : 2.5e-5 }, depot_overflow: { count: overflowing ? 51_204 : 0, seconds: overflowing ? 40.1 : 0, p50: overflowing ? 5e-4 : null, p99: overflowing ? 2.5e-3 : null },
    memory: { magazine_bytes: 1_040_384 * 4, range_bytes: 64 * (parts.outstanding + parts.cpu_cached), read: now - 21 }, space32: { free_pages: 812_004, largest_gap_pages: 611_870, read: now - 21 },
    prediction: { predictions: 9_120_044, hits: 9_119_871 }, drift_ranges: domain.kind === 'lossy' ? 61 : 0, verdicts: verdicts(domain, orders),
  };
}

function historyOf(domain, summaryNow, options, now) {
  const length = options.history ?? 360;
  const empty = { domain: domain.label, interval_seconds: INTERVAL, first: null, tree: [], outstanding: [], cpu_cached: [], depot_cached: [], allocations_per_second: [], overflows_per_second: [], tree_allocation_mean: [], tree_allocation_p99: [] };
  if (length === 0) return empty;
  const b = summaryNow.balance;
  const out = { ...empty, first: Math.floor(now / INTERVAL) * INTERVAL - (length - 1) * INTERVAL };
  for (let i = 0; i < length; ++i) {
    const age = 1 - (i + 1) / length;
    const grows = { saturated: 0.55, growing: 0.7, leaking: 0.05 }[domain.kind] ?? 0.04;
    const swing = (name, depth) => 1 + depth * (noise(domain.label, name, Math.floor(i / 6)) - 0.5) + depth * 0.4 * Math.sin(i / 17);
    const leak = domain.kind === 'leaking' ? 1 - 0.6 * age : 1;
    const parts = [b.outstanding.ranges * leak * swing('o', 0.12), b.cpu_cached.ranges * (1 - grows * age) * swing('c', 0.03), b.depot_cached.ranges * (1 - Math.min(1, 1.4 * grows * age))];
    const [outstanding, cpu, depot] = parts.map(Math.round);
    out.outstanding.push(outstanding);
    out.cpu_cached.push(cpu);
    out.depot_cached.push(depot);
    out.tree.push(outstanding + cpu + depot + 2);
    out.allocations_per_second.push(Math.round(4_180 * swing('a', 0.25)));
    const late = domain.kind === 'saturated' && age < 0.3;
    out.overflows_per_second.push(late ? Math.round(24 * swing('v', 0.6)) / 10 : 0);
    const quiet = i % 61 === 13;
    out.tree_allocation_mean.push(quiet ? null : (late ? 9e-5 : 2.2e-6) * swing('m', 0.6));
    out.tree_allocation_p99.push(quiet ? null : late ? (i % 7 < 2 ? 1e-3 : 5e-4) : i % 11 < 3 ? 2.5e-5 : 1e-5);
  }
  return out;
}

function status(options, tick, now) {
  const cpus = Math.min(options.cpus, 256);
  const lost = options.kinds?.includes('lossy') ? 412 : 0;
  return {
    time: now, version: '0.1.0', source: 'kernel', mode: 'mirror', ready: options.ready !== false, not_ready_reason: options.ready === false ? 'attaching probes' : null, started: T0 - 93_784,
    kernel: { release: options.depot === 'bounded' ? '6.1.0-39-amd64' : '6.12.43+deb12-amd64', depot: options.depot, magazine_capacity: MAGAZINE, depot_mark_magazines: options.depot === 'bounded' ? LIMIT : options.cpus, online_cpus: options.cpus },
    events: { applied: 812_004_113 + 8_360 * tick, sent: 812_004_525 + 8_360 * tick, received: 812_004_113 + 8_360 * tick, lost, lost_by: { ring_full: lost, entry_missing: 0, skipped: 0, malformed: 0 }, lag_seconds: 0.0112 },
    cpus: Array.from({ length: cpus }, (_, cpu) => ({ cpu, sent: 3_171_892 + cpu + tick, received: 3_171_890 + cpu + tick, ring_full: cpu === 3 ? lost : 0, entry_missing: 0 })),
    programs: [['alloc_iova_fast', 'fexit', 406_002_056], ['free_iova_fast', 'fentry', 406_002_057], ['alloc_iova', 'fexit', 248_112], ['iova_magazine_free_pfns', 'fexit', 51_204]].map(([name, method, runs]) => ({ function: name, method, runs: runs + 4_180 * tick, seconds: runs * 4.1e-7 + 0.0017 * tick, skipped: 0 })),
    reader: { reads: 91_200, changed: 12, faults: 0, seconds: 21.5 + 0.004 * tick, longest_seconds: 4.4e-5, budget_seconds_per_second: 0.05 },
    process: { cpu_seconds: 1_204.5 + 0.013 * tick, resident_bytes: 38_273_024, open_fds: 61 }, history: { interval_seconds: INTERVAL, points: 360, domains_left_out: 0 }, unattributed_flush_queue_drains: 0,
  };
}

const HOSTILE = '"><img src=x onerror=alert(1)><script>alert("&")</script>\u202e\ud83d\udca5';

export function domainsFor(options) {
  const kinds = options.kinds ?? ['steady'];
  return Array.from({ length: options.domains }, (_, i) => {
    const label = i % 9 === 8 ? `iovad-${i + 1}` : String(i * 2 + 1);
    const hostile = options.hostile ? HOSTILE : '';
    return {
      label: label + hostile, kind: kinds[i] ?? 'steady', drivers: DRIVERS[i % DRIVERS.length].map((name) => name + hostile), type: (i % 5 === 4 ? 'DMA' : 'DMA-FQ') + hostile,
      devices: i % 9 === 8 ? [] : Array.from({ length: 1 + (i % 3 === 2 ? 3 : 0) }, (__, d) => `0000:${(16 + i).toString(16)}:00.${d}${hostile}`),
      size: 1_500 + Math.round(9_000 * noise('size', i)), granule: i % 9 === 8 ? null : 4096,
    };
  });
}

// {domains, cpus, nodes, kinds, depot: bounded|unbounded, history: points, ready, rates, hostile, notes}
export function makeState(options, tick = 0) {
  const full = { domains: 4, cpus: 8, nodes: 1, depot: 'bounded', ...options };
  const now = T0 + tick + 0.25;
  const details = new Map();
  const histories = new Map();
  for (const domain of domainsFor(full)) {
    const cpus = fills(domain, full, tick);
    const orders = ordersOf(domain, full, cpus, depots(domain, full, tick), tick);
    const short = summary(domain, full, orders, now);
    details.set(domain.label, {
      time: now, domain: short, orders, cpus,
      flush_queue: { drains: 41_022, drained_ranges: 9_120_004, seconds: 61.2, longest_seconds: 0.0041, largest_ranges: 1_804 },
      audit: { audits: 1_561, repairs: domain.kind === 'lossy' ? 3 : 0, abandoned: 1, drift: { loaded: domain.kind === 'lossy' ? 208 : 0, prev: 0, depot: 0, tree: 0, fq: 0 } },
      misses: { reordered: 120, depot_race: 40, migration: 13, unknown: 0 }, rcache_flushes: 2,
    });
    histories.set(domain.label, () => historyOf(domain, short, full, now));
  }
  const labels = [...details.keys()];
  const first = labels[Math.max(0, full.kinds?.indexOf('saturated') ?? 0)] ?? labels[0];
  const list = full.notes === false ? [] : [
    { number: 4, time: now - 35, kind: 'depot-overflow', domain: first, text: 'the depot of order 0 is full: magazines are freed into the tree' },
    { number: 3, time: now - 42, kind: 'resynced', domain: first, text: 'read out of kernel memory after a loss: 61 ranges differed' },
    { number: 2, time: now - 50, kind: 'events-lost', domain: null, text: '412 events were lost: the ring of CPU 3 was full' },
    { number: 1, time: T0 - 93_783, kind: 'started', domain: null, text: 'followed 4 domains from the start' },
  ];
  return {
    domains: { time: now, ready: full.ready !== false, domains: [...details.values()].map((d) => d.domain) }, status: status(full, tick, now),
    notes: { time: now, notes: details.size === 0 ? [] : list }, details, history: (label) => histories.get(label)?.(),
  };
}

// The state shown in the screenshots in docs/images/.
export const SHOWCASE = {
  domains: 12, cpus: 64, nodes: 2, depot: 'bounded',
  kinds: ['steady', 'growing', 'steady', 'saturated', 'steady', 'leaking', 'steady', 'resynced', 'steady', 'lossy'],
};
