// SPDX-License-Identifier: Apache-2.0
// The page's only tooltip. An element with data-tip shows it when the pointer is over it or when it gets the keyboard
// focus; Escape hides it. Canvases place it themselves with showAt().

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
      if (element !== this.owner && !this.ownerHasFocus()) this.follow(element);
    });
    document.addEventListener('focusin', (event) => {
      const element = find(event);
      this.follow(element !== null && event.target.matches(':focus-visible') ? element : null);
    });
    document.addEventListener('focusout', () => this.hide());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.hide();
    });
    document.addEventListener('scroll', () => {
      // Moving the focus scrolls the page too: then the tooltip moves along with its owner.
      if (this.ownerHasFocus()) this.place();
      else this.hide();
    }, { passive: true, capture: true });
  }

  ownerHasFocus() {
    return this.owner !== null && this.owner.contains(document.activeElement);
  }

  follow(element) {
    const text = element?.dataset.tip;
    if (!text) {
      this.hide();
      return;
    }
    const { width, height } = element.getBoundingClientRect();
    this.showAt(element, text, width / 2, 0, height);
  }

  // x, top and bottom of what the tooltip explains, relative to the owner.
  showAt(owner, text, x, top, bottom) {
    if (this.owner !== owner) this.owner?.removeAttribute('aria-describedby');
    this.owner = owner;
    this.anchor = { x, top, bottom };
    owner.setAttribute('aria-describedby', 'tooltip');
    setText(this.box, text);
    this.box.hidden = false;
    this.place();
  }

  place() {
    const { x, top, bottom } = this.anchor;
    const owner = this.owner.getBoundingClientRect();
    const { width, height } = this.box.getBoundingClientRect();
    const left = Math.max(8, Math.min(owner.left + x - width / 2, document.documentElement.clientWidth - width - 8));
    const above = owner.top + top - height - GAP;
    setStyle(this.box, 'left', `${Math.round(left)}px`);
    setStyle(this.box, 'top', `${Math.round(above >= 4 ? above : owner.top + bottom + GAP)}px`);
  }

  hide() {
    this.owner?.removeAttribute('aria-describedby');
    this.owner = null;
    this.box.hidden = true;
  }
}
