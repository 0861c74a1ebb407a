// SPDX-License-Identifier: Apache-2.0
// The small explanations behind the "?" buttons, in the kernel's own words.

import { byId, h, setText } from '../lib/dom.js';

const TEXTS = {
  balance:
    'Every range of I/O addresses that a domain has taken stands in its tree. tree = outstanding + cpu rcaches + depot + reserved + unaccounted. ' +
    'Outstanding ranges are mapped by a driver (or wait in the flush queue); a leak makes them grow. The cpu rcaches and the depot hold freed ranges for the next allocation; ' +
    'caches that grow make the tree grow with no leak at all. What is unaccounted is known to the tree only: it should be 0.',
  heatmap:
    'Each CPU keeps two magazines of freed ranges for every order (the size of a range: 2^order granules): loaded, which it takes from and puts into, and prev. ' +
    'Allocations from them touch no lock. Many full columns that no one empties are memory of the tree that one CPU cannot lend to another. ' +
    'Only CPUs that have used the domain are drawn.',
  depots:
    'The depot is what the CPUs of a domain share: full magazines that a CPU had no room for, by order. When a bounded depot is at its limit, every further full magazine is freed ' +
    'range by range into the tree under its lock: an overflow, and the stalls that come with it. Kernels from 6.7 have unbounded depots; a worker reclaims what is above the threshold.',
  tree: 'The domain\'s ranges over the last hour. Outstanding that climbs at steady load is a leak; cpu rcaches or a depot that climb are caches that grow.',
  latency:
    'How long alloc_iova took: the slow path, when no cache had a range. It searches the tree under its lock, so it suffers when the tree is large or the space below 4 GiB is full. ' +
    'p99 is the upper bound of the bucket that holds the slowest hundredth.',
  ledger:
    'The same sum as in the list, as a ledger. Before start: mapped before rcached saw the domain. Flush queue: unmapped, waiting for the IOTLB flush. Both are part of outstanding. ' +
    'Reserved ranges were never meant for drivers: MSI windows, host bridges.',
  confidence:
    'exact: followed or read since it exists, nothing lost. resynced: events were lost once, an audit has read the domain out of kernel memory since. ' +
    'partial: older than rcached and not read yet. lossy: events were lost and no audit has mended it yet.',
  daemon: 'What rcached itself takes from this host, and what it has missed. Lost events make domains lossy until the next audit reads them out of kernel memory.',
};

// One listener for all "?" buttons, also for those that come later. The text stands in #help-NAME.
export function installHelp() {
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-help]') : null;
    if (button === null) return;
    const text = byId(`help-${button.dataset.help}`);
    setText(text, TEXTS[button.dataset.help]);
    text.hidden = !text.hidden;
    button.setAttribute('aria-expanded', String(!text.hidden));
  });
  for (const button of document.querySelectorAll('[data-help]')) prepare(button);
}

function prepare(button) {
  button.setAttribute('aria-expanded', 'false');
  button.setAttribute('aria-controls', `help-${button.dataset.help}`);
}

// A heading with its "?" button, and the paragraph that the button shows.
export function helpedHeading(level, title, name, question, ...extra) {
  const button = h('button', { type: 'button', class: 'help-button', 'data-help': name, 'aria-label': question }, '?');
  prepare(button);
  const heading = h(`h${level}`, { id: `${name}-title` }, title);
  return [
    h('div', { class: 'section-head' }, heading, button, ...extra),
    h('p', { class: 'help-text', id: `help-${name}`, hidden: true }),
  ];
}
