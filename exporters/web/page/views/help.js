// SPDX-License-Identifier: Apache-2.0
// The help texts behind the "?" buttons. They use the kernel's terms.

import { byId, h, setText } from '../lib/dom.js';

const TEXTS = {
  balance:
    'The tree of a domain contains every range of I/O virtual addresses that is allocated in it: tree = outstanding + cpu rcaches + depot + reserved + unaccounted. ' +
    'Outstanding ranges are mapped by a driver or wait in the flush queue; a leak makes them grow. The cpu rcaches and the depot keep freed ranges for later allocations; ' +
    'when these caches grow, the tree grows although nothing leaks. Unaccounted ranges are in the tree but in no other part; there should be none.',
  heatmap:
    'For every order (a range of order n has 2^n granules), each CPU has two magazines of freed ranges: loaded, which serves allocations and takes frees, and prev, which replaces it ' +
    'when it is empty or full. Both work without the lock of the tree. Ranges in the magazines of one CPU cannot be allocated by another: full magazines on CPUs that no longer allocate ' +
    'only make the tree larger. CPUs that have never used the domain are not shown.',
  depots:
    'All CPUs of a domain share its depot. For every order it holds full magazines that a CPU had no room for. When a bounded depot is at its limit, every further full magazine is freed ' +
    'into the tree, range by range, under the lock of the tree. That is an overflow, and it stalls allocations and frees. Since Linux 6.7 depots are unbounded, and a worker frees the ' +
    'magazines above the reclaim threshold.',
  tree:
    'The ranges of the domain over the last hour. If outstanding ranges grow under a steady load, something leaks. If the cpu rcaches or the depot grow, the caches make the tree grow.',
  latency:
    'How long calls of alloc_iova() took. This is the slow path, used when no cache has a range: it searches the tree under its lock. It is slow when the tree is large or when the space below ' +
    '4 GiB is full. p99 is the upper bound of the histogram bucket that contains the 99th percentile.',
  ledger:
    'The parts add up to the tree, as in the list. Before start: mapped before rcached traced the domain. In flush queue: unmapped, waiting for the IOTLB flush. ' +
    'Both are included in outstanding. Reserved ranges are never allocated to drivers, for example those of MSI and of PCI host bridges.',
  confidence:
    'exact: no event was lost since the domain was created or read from kernel memory. resynced: events were lost, but an audit has read the domain from kernel memory since. ' +
    'partial: the domain existed before rcached started and has not been read yet. lossy: events were lost, and no audit has repaired the mirror yet.',
  daemon:
    'What rcached costs this host, and the events it has lost. Lost events make domains lossy until an audit has read them from kernel memory.',
};

// One listener for all "?" buttons, including those that are created later. The text is shown in #help-NAME.
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

// A heading with a "?" button, and the paragraph that the button shows and hides.
export function helpedHeading(level, title, name, question, ...extra) {
  const button = h('button', { type: 'button', class: 'help-button', 'data-help': name, 'aria-label': question }, '?');
  prepare(button);
  const heading = h(`h${level}`, { id: `${name}-title` }, title);
  return [
    h('div', { class: 'section-head' }, heading, button, ...extra),
    h('p', { class: 'help-text', id: `help-${name}`, hidden: true }),
  ];
}
