// SPDX-License-Identifier: Apache-2.0
// The four questions at the top: each with its answer, the evidence and a button that shows the domain in question.

import { byId, h, icon, setAttribute, setHidden, setIcon, setText } from '../lib/dom.js';

const QUESTIONS = [
  ['caches', 'Are the caches growing?'],
  ['depots', 'Is a depot saturated?'],
  ['leaks', 'Is anything leaking?'],
  ['trust', 'Can the numbers be trusted?'],
];

export class AnswersView {
  constructor(onSelect) {
    this.tiles = new Map();
    for (const [id, question] of QUESTIONS) {
      const mark = icon('unknown');
      const text = h('span', { class: 'answer-words' }, 'Not known yet');
      const evidence = h('p', { class: 'evidence' }, 'waiting for the first snapshot');
      const show = h('button', { type: 'button', class: 'show', hidden: true });
      const tile = h('article', { class: 'tile', 'data-state': 'unknown', 'data-answer': id },
        h('h2', {}, question), h('p', { class: 'answer' }, mark, text), evidence, show);
      show.addEventListener('click', () => onSelect(tile.dataset.domain));
      byId('answers').append(tile);
      this.tiles.set(id, { tile, mark, text, evidence, show });
    }
  }

  update(answers) {
    for (const [id, answer] of Object.entries(answers)) {
      const { tile, mark, text, evidence, show } = this.tiles.get(id);
      setAttribute(tile, 'data-state', answer.state);
      setAttribute(tile, 'data-domain', answer.domain);
      setIcon(mark, answer.state);
      setText(text, answer.text);
      setText(evidence, answer.evidence);
      setHidden(show, answer.domain === null);
      if (answer.domain !== null) setText(show, `Show domain ${answer.domain}`);
    }
  }
}
