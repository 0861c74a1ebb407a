// SPDX-License-Identifier: Apache-2.0
// One tooltip for the whole page: shown for elements with data-tip when the pointer rests on them or the focus
// comes to them, hidden by Escape. Canvases place it themselves with showAt().

import { h, setText, setStyle } from '../lib/dom.js';

const GAP = 10;

export class Tooltip {
  constructor() {
    this.box = h('div', { id: 'tooltip', role: 'tooltip', class: 'tooltip', hidden: true });
    document.body.append(this.box);
    this.owner = null;
    const find = (event) => (event.target instanceof Element ? event.target.closest('[data-tip]') : null);
    document.addEventListener('pointerover', (event) => {
      if (event.pointerType === 'touch') return;
      const element = find(event);
      if (element !== this.owner && !this.owner?.contains(document.activeElement)) this.follow(element);
    });
    document.addEventListener('focusin', (event) => {
      const element = find(event);
      this.follow(element !== null && event.target.matches(':focus-visible') ? element : null);
    });
    document.addEventListener('focusout', () => this.hide());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.hide();
    });
    document.addEventListener('scroll', () => this.hide(), { passive: true, capture: true });
  }

  follow(element) {
    const text = element?.dataset.tip;
    if (!text) {
      this.hide();
      return;
    }
    const box = element.getBoundingClientRect();
    this.showAt(element, text, box.left + box.width / 2, box.top, box.bottom);
  }

  // x, top and bottom of what is explained, in the window's coordinates.
  showAt(owner, text, x, top, bottom = top) {
    if (this.owner !== owner) this.owner?.removeAttribute('aria-describedby');
    this.owner = owner;
    owner.setAttribute('aria-describedby', 'tooltip');
    setText(this.box, text);
    this.box.hidden = false;
    const { width, height } = this.box.getBoundingClientRect();
    const left = Math.max(8, Math.min(x - width / 2, document.documentElement.clientWidth - width - 8));
    const above = top - height - GAP;
    setStyle(this.box, 'left', `${Math.round(left)}px`);
    setStyle(this.box, 'top', `${Math.round(above >= 4 ? above : bottom + GAP)}px`);
  }

  hide() {
    this.owner?.removeAttribute('aria-describedby');
    this.owner = null;
    this.box.hidden = true;
  }
}
