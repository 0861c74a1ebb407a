// SPDX-License-Identifier: Apache-2.0

// Every path of keys in a JSON body, elements of arrays as one: ["domains[].balance.tree.ranges", ...]. Objects
// that may be null on either side stand as themselves.
const MAY_BE_NULL = new Set(['domains[].memory', 'domains[].space32', 'domain.memory', 'domain.space32', 'domains[].depot.fullest', 'domain.depot.fullest', 'domains[].rates', 'domain.rates', 'reader']);

export function keysOf(body) {
  const paths = new Set();
  const walk = (value, path) => {
    if (MAY_BE_NULL.has(path) || value === null || typeof value !== 'object') {
      paths.add(path);
      return;
    }
    if (Array.isArray(value)) {
      paths.add(`${path}[]`);
      for (const item of value) if (item !== null && typeof item === 'object' && !Array.isArray(item)) walk(item, `${path}[]`);
      return;
    }
    for (const [key, item] of Object.entries(value)) walk(item, path === '' ? key : `${path}.${key}`);
  };
  walk(body, '');
  return [...paths].sort();
}
