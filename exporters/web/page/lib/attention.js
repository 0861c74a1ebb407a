// SPDX-License-Identifier: Apache-2.0
// Which domains need attention: the severity of verdicts, the sort order, the filter, and the answers to the four
// questions at the top of the page. Pure functions of the API's domain summaries.

import { count, plural, rate, short, slope, words } from './format.js';

// Every other verdict is a warning, also one that this page does not know.
const CRITICAL = new Set(['depot-saturated', 'leak-suspected', 'size-mismatch']);

export function severity(verdict) {
  return CRITICAL.has(verdict) ? 'critical' : 'warning';
}

// The verdicts that hold, without "healthy".
export function activeVerdicts(domain) {
  return (domain.verdicts ?? []).filter((v) => v.holds && v.verdict !== 'healthy');
}

// Bands instead of values, so that rows do not swap places with every small change.
export function ratioBand(ratio) {
  if (typeof ratio !== 'number') return 0;
  if (ratio >= 0.95) return 4;
  if (ratio >= 0.8) return 3;
  if (ratio >= 0.5) return 2;
  return ratio >= 0.25 ? 1 : 0;
}

// Decades of ranges per minute; below 1 per minute is band 0.
export function growthBand(perSecond) {
  const perMinute = (perSecond ?? 0) * 60;
  if (!(perMinute >= 1)) return 0;
  return 1 + Math.min(8, Math.floor(Math.log10(perMinute)));
}

// What the domains are sorted by, the most important criterion first.
function urgency(domain) {
  const verdicts = activeVerdicts(domain);
  const critical = verdicts.filter((v) => severity(v.verdict) === 'critical').length;
  return [
    critical,
    verdicts.length - critical,
    ratioBand(domain.depot.fullest?.ratio),
    growthBand(domain.balance.tree.per_second),
    domain.confidence.state === 'lossy' ? 1 : 0,
  ];
}

// "2" before "10", group numbers before "iovad-N".
export function compareLabels(a, b) {
  const parts = (label) => /^(\D*)(\d*)(.*)$/s.exec(label).slice(1);
  const [nameA, numberA, restA] = parts(a);
  const [nameB, numberB, restB] = parts(b);
  if (nameA !== nameB) return nameA < nameB ? -1 : 1;
  const difference = Number(numberA) - Number(numberB);
  if (difference !== 0) return difference;
  return restA < restB ? -1 : restA > restB ? 1 : 0;
}

// Unknown values come last.
const descending = (value) => (a, b) => (value(b) ?? -Infinity) - (value(a) ?? -Infinity) || 0;

const SORT_ORDERS = {
  attention(a, b) {
    const left = urgency(a);
    const right = urgency(b);
    const at = left.findIndex((value, i) => value !== right[i]);
    return at < 0 ? 0 : right[at] - left[at];
  },
  domain: () => 0,
  tree: descending((d) => d.balance.tree.ranges),
  growth: descending((d) => d.balance.tree.per_second),
  outstanding: descending((d) => d.balance.outstanding.ranges),
  cpu_cached: descending((d) => d.balance.cpu_cached.ranges),
  depot: descending((d) => d.depot.fullest?.ratio),
};

// Equal domains are sorted by label.
export function sorted(domains, by = 'attention') {
  const order = SORT_ORDERS[by] ?? SORT_ORDERS.attention;
  return [...domains].sort((a, b) => order(a, b) || compareLabels(a.domain, b.domain));
}

// Whether every word of the filter occurs in the domain's label, type, devices, drivers, confidence or active
// verdicts.
export function matches(domain, filter) {
  const text = [
    domain.domain, domain.type, ...domain.devices, ...domain.drivers, domain.confidence.state,
    ...activeVerdicts(domain).map((v) => v.verdict),
  ].join(' ').toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

// Whether the growth matters: at least one range and 0.2 % of the tree per minute.
export function grows(domain, perSecond) {
  if (typeof perSecond !== 'number') return false;
  return perSecond * 60 >= Math.max(1, domain.balance.tree.ranges * 0.002);
}

const cachedSlope = (d) => {
  const { cpu_cached: cpu, depot_cached: depot } = d.balance;
  return cpu.per_second === null || depot.per_second === null ? null : cpu.per_second + depot.per_second;
};

// The domain with the largest value.
function maxBy(domains, value) {
  return domains.reduce((best, d) => (best === null || value(d) > value(best) ? d : best), null);
}

function total(domains, value) {
  return domains.reduce((sum, d) => sum + (value(d) ?? 0), 0);
}

function withVerdict(domains, verdict) {
  return domains.filter((d) => activeVerdicts(d).some((v) => v.verdict === verdict));
}

const name = (d) => `domain ${d.domain}`;
const inDomains = (list) => (list.length === 1 ? `in ${name(list[0])}` : `in ${plural(list.length, 'domain')}`);

// An answer is {state: good|warning|critical|unknown, text, evidence, domain: label or null}.

const SLOPES_UNKNOWN = { state: 'unknown', text: 'Not known yet', evidence: 'slopes need a few seconds of data', domain: null };

function cacheAnswer(domains) {
  const known = domains.filter((d) => cachedSlope(d) !== null);
  if (known.length === 0) return SLOPES_UNKNOWN;
  const fastest = maxBy(known, cachedSlope);
  const growing = known.filter((d) => grows(d, cachedSlope(d)));
  const verdicts = withVerdict(domains, 'cache-growth');
  const evidence = `all caches ${slope(total(known, cachedSlope))}; fastest: ${name(fastest)}, ${slope(cachedSlope(fastest))}`;
  if (verdicts.length > 0) return { state: 'warning', text: `Yes, ${inDomains(verdicts)}`, evidence, domain: verdicts[0].domain };
  if (growing.length > 0) return { state: 'warning', text: `Growing ${inDomains(growing)}`, evidence, domain: fastest.domain };
  return { state: 'good', text: 'No', evidence, domain: fastest.domain };
}

function depotAnswer(domains) {
  const full = maxBy(domains.filter((d) => typeof d.depot.fullest?.ratio === 'number'), (d) => d.depot.fullest.ratio);
  const overflows = total(domains, (d) => d.rates?.depot_overflows);
  const saturated = domains.filter((d) => withVerdict([d], 'depot-saturated').length > 0 ||
    (d.depot.kind === 'bounded' && (d.rates?.depot_overflows ?? 0) > 0));
  const worst = maxBy(saturated, (d) => d.rates?.depot_overflows ?? 0) ?? full;
  const fullest = worst?.depot.fullest;
  const mark = (d) => (d.depot.kind === 'bounded' ? '' : ' of the reclaim threshold');
  const fill = fullest
    ? `${name(worst)}, order ${fullest.order}: ${count(fullest.magazines)}` +
      `${worst.depot.mark_magazines === null ? '' : ` / ${count(worst.depot.mark_magazines)}`} magazines`
    : 'all depots are empty';
  if (saturated.length > 0) {
    return { state: 'critical', text: `Yes, ${inDomains(saturated)}`, evidence: `${fill}; overflows: ${rate(overflows)}`, domain: worst.domain };
  }
  if (fullest && worst.depot.kind === 'bounded' && fullest.ratio >= 0.8) {
    return { state: 'warning', text: `Nearly, at ${short(fullest.ratio * 100)} %`, evidence: fill, domain: worst.domain };
  }
  if (fullest) {
    return { state: 'good', text: 'No', evidence: `fullest: ${fill} (${short(fullest.ratio * 100)} %${mark(worst)})`, domain: worst.domain };
  }
  return { state: 'good', text: 'No', evidence: fill, domain: null };
}

function leakAnswer(domains) {
  const suspected = withVerdict(domains, 'leak-suspected');
  const known = domains.filter((d) => d.balance.outstanding.per_second !== null);
  if (known.length === 0) return SLOPES_UNKNOWN;
  const growth = (d) => d.balance.outstanding.per_second;
  const fastest = maxBy(known, growth);
  const evidence = `outstanding ${slope(total(known, growth))}; fastest: ${name(fastest)}, ${slope(growth(fastest))}`;
  if (suspected.length > 0) {
    return { state: 'critical', text: `Suspected ${inDomains(suspected)}`, evidence, domain: suspected[0].domain };
  }
  const growing = known.filter((d) => grows(d, growth(d)));
  if (growing.length > 0) {
    return { state: 'warning', text: `Possibly, ${inDomains(growing)}`, evidence, domain: fastest.domain };
  }
  return { state: 'good', text: 'No sign of a leak', evidence, domain: fastest.domain };
}

function trustAnswer(domains, status) {
  const lossy = domains.filter((d) => d.confidence.state === 'lossy');
  const partial = domains.filter((d) => d.confidence.state === 'partial');
  const unaccounted = domains.filter((d) => d.balance.unaccounted.ranges !== 0);
  const lost = `${plural(status.events.lost, 'event')} lost since the start`;
  if (lossy.length > 0) {
    return { state: 'critical', text: `Not ${inDomains(lossy)}`, evidence: `events were lost and no audit has repaired the mirror yet; ${lost}`, domain: lossy[0].domain };
  }
  if (partial.length > 0) {
    return { state: 'warning', text: `Partly ${inDomains(partial)}`, evidence: `existed before rcached started, not yet read from kernel memory; ${lost}`, domain: partial[0].domain };
  }
  if (unaccounted.length > 0) {
    return { state: 'warning', text: `Unaccounted ranges ${inDomains(unaccounted)}`, evidence: `the parts do not add up to the tree; ${lost}`, domain: unaccounted[0].domain };
  }
  return { state: 'good', text: 'Yes', evidence: lost, domain: null };
}

export function answers(domains, status) {
  if (domains.length === 0) {
    const nothing = { state: 'unknown', text: 'No data yet', evidence: 'no domain has been seen yet', domain: null };
    return { caches: nothing, depots: nothing, leaks: nothing, trust: nothing };
  }
  return {
    caches: cacheAnswer(domains),
    depots: depotAnswer(domains),
    leaks: leakAnswer(domains),
    trust: trustAnswer(domains, status),
  };
}

// One line for the title of the browser tab.
export function headline(domains) {
  const affected = domains.filter((d) => activeVerdicts(d).length > 0);
  if (affected.length === 0) return `${plural(domains.length, 'domain')}, no active verdict`;
  const kinds = [...new Set(affected.flatMap((d) => activeVerdicts(d).map((v) => words(v.verdict))))];
  return `${count(affected.length)} of ${plural(domains.length, 'domain')} ${affected.length === 1 ? 'needs' : 'need'} attention: ${kinds.join(', ')}`;
}
