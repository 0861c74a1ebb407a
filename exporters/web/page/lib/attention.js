// SPDX-License-Identifier: Apache-2.0
// What needs an operator's attention: which verdicts are grave, the order of the domains, the filter, and the
// answers to the four questions at the top of the page. Pure functions of the API's summaries.

import { count, plural, rate, short, slope, words } from './format.js';

// What is wrong enough to be looked at first. A verdict that this page does not know is a warning.
const CRITICAL = new Set(['depot-saturated', 'leak-suspected', 'size-mismatch']);

export function severity(verdict) {
  return CRITICAL.has(verdict) ? 'critical' : 'warning';
}

// "healthy" is a verdict too, but nothing to look at.
export function holding(domain) {
  return (domain.verdicts ?? []).filter((v) => v.holds && v.verdict !== 'healthy');
}

// In bands, so that rows do not change places with every little step.
export function ratioBand(ratio) {
  if (typeof ratio !== 'number') return 0;
  if (ratio >= 0.95) return 4;
  if (ratio >= 0.8) return 3;
  if (ratio >= 0.5) return 2;
  return ratio >= 0.25 ? 1 : 0;
}

// Decades of ranges per minute: below 1 is band 0.
export function growthBand(perSecond) {
  const perMinute = (perSecond ?? 0) * 60;
  if (!(perMinute >= 1)) return 0;
  return 1 + Math.min(8, Math.floor(Math.log10(perMinute)));
}

export function attention(domain) {
  const held = holding(domain);
  const critical = held.filter((v) => severity(v.verdict) === 'critical').length;
  return [
    critical,
    held.length - critical,
    ratioBand(domain.depot.fullest?.ratio),
    growthBand(domain.balance.tree.per_second),
    domain.confidence.state === 'lossy' ? 1 : 0,
  ];
}

// "2" before "10", groups before "iovad-N".
export function compareLabels(a, b) {
  const parts = (label) => /^(\D*)(\d*)(.*)$/s.exec(label).slice(1);
  const [nameA, numberA, restA] = parts(a);
  const [nameB, numberB, restB] = parts(b);
  if (nameA !== nameB) return nameA < nameB ? -1 : 1;
  const difference = Number(numberA) - Number(numberB);
  if (difference !== 0) return difference;
  return restA < restB ? -1 : restA > restB ? 1 : 0;
}

const larger = (value) => (a, b) => (value(b) ?? -Infinity) - (value(a) ?? -Infinity) || 0;

const ORDERS = {
  attention(a, b) {
    const left = attention(a);
    const right = attention(b);
    const at = left.findIndex((value, i) => value !== right[i]);
    return at < 0 ? 0 : right[at] - left[at];
  },
  domain: () => 0,
  tree: larger((d) => d.balance.tree.ranges),
  growth: larger((d) => d.balance.tree.per_second),
  outstanding: larger((d) => d.balance.outstanding.ranges),
  cpu_cached: larger((d) => d.balance.cpu_cached.ranges),
  depot: larger((d) => d.depot.fullest?.ratio),
};

export function sorted(domains, by = 'attention') {
  const order = ORDERS[by] ?? ORDERS.attention;
  return [...domains].sort((a, b) => {
    const result = order(a, b);
    return Number.isNaN(result) || result === 0 ? compareLabels(a.domain, b.domain) : result;
  });
}

// Every word of the filter occurs in the domain's names, type, confidence or standing verdicts.
export function matches(domain, filter) {
  const text = [
    domain.domain, domain.type, ...domain.devices, ...domain.drivers, domain.confidence.state,
    ...holding(domain).map((v) => v.verdict),
  ].join(' ').toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

// Growth that counts: more than a range a minute, and more than 0.2 % of the tree a minute.
export function grows(domain, perSecond) {
  if (typeof perSecond !== 'number') return false;
  return perSecond * 60 >= Math.max(1, domain.balance.tree.ranges * 0.002);
}

const cachedSlope = (d) => {
  const { cpu_cached: cpu, depot_cached: depot } = d.balance;
  return cpu.per_second === null || depot.per_second === null ? null : cpu.per_second + depot.per_second;
};

function most(domains, value) {
  return domains.reduce((best, d) => (best === null || value(d) > value(best) ? d : best), null);
}

function total(domains, value) {
  return domains.reduce((sum, d) => sum + (value(d) ?? 0), 0);
}

// Domains for which one of the verdicts stands.
function judged(domains, ...names) {
  return domains.filter((d) => holding(d).some((v) => names.includes(v.verdict)));
}

const name = (d) => `domain ${d.domain}`;
const inDomains = (list) => (list.length === 1 ? `in ${name(list[0])}` : `in ${plural(list.length, 'domain')}`);

// An answer: {state: good|warning|critical|unknown, text, evidence, domain: label or null}

function cacheAnswer(domains) {
  const known = domains.filter((d) => cachedSlope(d) !== null);
  if (known.length === 0) {
    return { state: 'unknown', text: 'Not known yet', evidence: 'slopes need some seconds of snapshots', domain: null };
  }
  const fastest = most(known, cachedSlope);
  const all = slope(total(known, cachedSlope)).text;
  const growing = known.filter((d) => grows(d, cachedSlope(d)));
  const verdicts = judged(domains, 'cache-growth');
  const evidence = `all caches ${all}; fastest ${name(fastest)} ${slope(cachedSlope(fastest)).text}`;
  if (verdicts.length > 0) return { state: 'warning', text: `Yes, ${inDomains(verdicts)}`, evidence, domain: verdicts[0].domain };
  if (growing.length > 0) return { state: 'warning', text: `Growing ${inDomains(growing)}`, evidence, domain: fastest.domain };
  return { state: 'good', text: 'No', evidence, domain: fastest.domain };
}

function depotAnswer(domains) {
  const full = most(domains.filter((d) => typeof d.depot.fullest?.ratio === 'number'), (d) => d.depot.fullest.ratio);
  const overflows = total(domains, (d) => d.rates?.depot_overflows);
  const saturated = domains.filter((d) => judged([d], 'depot-saturated').length > 0 ||
    (d.depot.kind === 'bounded' && (d.rates?.depot_overflows ?? 0) > 0));
  const worst = most(saturated, (d) => d.rates?.depot_overflows ?? 0) ?? full;
  const fullest = worst?.depot.fullest;
  const mark = (d) => (d.depot.kind === 'bounded' ? '' : ' of the reclaim threshold');
  const fill = fullest
    ? `${name(worst)}, order ${fullest.order}: ${count(fullest.magazines)}` +
      (worst.depot.mark_magazines === null ? '' : ` / ${count(worst.depot.mark_magazines)}`) + ' magazines'
    : 'all depots are empty';
  if (saturated.length > 0) {
    return { state: 'critical', text: `Yes, ${inDomains(saturated)}`, evidence: `${fill}; ${rate(overflows)} overflows`, domain: worst.domain };
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
  const suspected = judged(domains, 'leak-suspected');
  const known = domains.filter((d) => d.balance.outstanding.per_second !== null);
  const growth = (d) => d.balance.outstanding.per_second;
  const fastest = most(known, growth);
  if (fastest === null) {
    return { state: 'unknown', text: 'Not known yet', evidence: 'slopes need some seconds of snapshots', domain: null };
  }
  const evidence = `outstanding ${slope(total(known, growth)).text}; fastest ${name(fastest)} ${slope(growth(fastest)).text}`;
  if (suspected.length > 0) {
    return { state: 'critical', text: `Suspected ${inDomains(suspected)}`, evidence, domain: suspected[0].domain };
  }
  const growing = known.filter((d) => grows(d, growth(d)));
  if (growing.length > 0) {
    return { state: 'warning', text: `Outstanding grows ${inDomains(growing)}`, evidence, domain: fastest.domain };
  }
  return { state: 'good', text: 'No sign of it', evidence, domain: fastest.domain };
}

function trustAnswer(domains, status) {
  const doubtful = domains.filter((d) => d.confidence.state === 'lossy');
  const partial = domains.filter((d) => d.confidence.state === 'partial');
  const unaccounted = domains.filter((d) => d.balance.unaccounted.ranges !== 0);
  const lost = `${plural(status.events.lost, 'event')} lost since the start`;
  if (doubtful.length > 0) {
    return { state: 'critical', text: `Not ${inDomains(doubtful)}`, evidence: `events were lost there and no audit has mended it yet; ${lost}`, domain: doubtful[0].domain };
  }
  if (partial.length > 0) {
    return { state: 'warning', text: `Partly ${inDomains(partial)}`, evidence: `older than rcached and not read yet; ${lost}`, domain: partial[0].domain };
  }
  if (unaccounted.length > 0) {
    return { state: 'warning', text: `Unaccounted ${inDomains(unaccounted)}`, evidence: `the parts do not add up to the tree; ${lost}`, domain: unaccounted[0].domain };
  }
  return { state: 'good', text: 'Yes, all of them', evidence: lost, domain: null };
}

export function answers(domains, status) {
  if (domains.length === 0) {
    const nothing = { state: 'unknown', text: 'Nothing to tell yet', evidence: 'no domain has been seen', domain: null };
    return { caches: nothing, depots: nothing, leaks: nothing, trust: nothing };
  }
  return {
    caches: cacheAnswer(domains),
    depots: depotAnswer(domains),
    leaks: leakAnswer(domains),
    trust: trustAnswer(domains, status),
  };
}

// One line for the title of the tab and for screen readers.
export function headline(domains) {
  const held = domains.map((d) => [d, holding(d)]).filter(([, verdicts]) => verdicts.length > 0);
  if (held.length === 0) return `${plural(domains.length, 'domain')}, nothing stands out`;
  const kinds = [...new Set(held.flatMap(([, verdicts]) => verdicts.map((v) => v.verdict)))].map(words);
  return `${count(held.length)} of ${plural(domains.length, 'domain')} ${held.length === 1 ? 'needs' : 'need'} attention: ${kinds.join(', ')}`;
}
