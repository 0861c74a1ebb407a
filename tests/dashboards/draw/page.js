// SPDX-License-Identifier: Apache-2.0
// Lays the panels out on Grafana's grid of 24 columns and draws each.
const COLUMN = 1576 / 24;
const LINE = 31;
const GAP = 8;
const TITLE = 26;

function element(parent, name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function drawTable(box, panel) {
  const table = element(box, 'table');
  const head = element(element(table, 'thead'), 'tr');
  for (const { name } of panel.columns) element(head, 'th', '', name);
  const body = element(table, 'tbody');
  for (const row of panel.rows) {
    const line = element(body, 'tr');
    row.forEach((value, i) => {
      const column = panel.columns[i];
      const cell = element(line, 'td', column.linked && value ? 'link' : '', window.formatted(value, column.unit));
      if (column.value && column.steps.length > 1 && value !== null) cell.style.color = window.byThreshold(value, column.steps);
    });
  }
}

function drawStat(box, picture, panel) {
  const inner = element(box, 'div', 'stat');
  const [series] = panel.series;
  const last = series.points.at(-1)[1];
  const color = window.byThreshold(last, panel.steps);
  window.drawCurve(inner, picture, series, color);
  const number = element(inner, 'strong', '', window.formatted(last, panel.unit));
  number.style.color = color;
  if (number.textContent.length > 7) number.classList.add('long');
  if (panel.named) element(inner, 'small', '', series.name);
}

function drawLegend(box, panel, lines) {
  const legend = element(box, 'div', 'legend');
  legend.style.height = `${lines * 16}px`;
  panel.series.forEach((one, i) => {
    const entry = element(legend, 'span', '', one.name);
    entry.style.setProperty('--color', one.dashed ? window.named('text') : window.colorOf(i));
    element(entry, 'em', '', window.formatted(one.points.at(-1)[1], one.unit));
  });
}

function drawPanel(box, picture, panel, width, height) {
  const [inside, left] = [width - 18, height - TITLE - 8];
  const area = (name) => element(box, 'div', name);
  switch (panel.type) {
    case 'stat': drawStat(box, picture, panel); break;
    case 'table': drawTable(box, panel); break;
    case 'heatmap': window.drawHeat(area('heat'), picture, panel, inside, left); break;
    case 'state-timeline': window.drawStates(area('states'), picture, panel, inside, left); break;
    case 'timeseries': {
      const room = panel.series.reduce((sum, { name }) => sum + name.length * 6.2 + 90, 0);
      const lines = Math.min(4, Math.ceil(room / inside));
      window.drawSeries(box, picture, panel, width - 8, left - lines * 16);
      drawLegend(box, panel, lines);
      break;
    }
    default: throw new Error(`cannot draw a panel of type ${panel.type}`);
  }
}

window.drawDashboard = (picture) => {
  const header = document.querySelector('header');
  element(header, 'h1', '', picture.title);
  for (const { name, value } of picture.chosen) {
    const chosen = element(header, 'div', 'chosen');
    element(chosen, 'b', '', name);
    element(chosen, 'span', '', value);
  }
  element(header, 'div', 'time', `the last ${Math.round(picture.to - picture.from)} s`);
  const main = document.querySelector('main');
  const empty = [];
  let panels = 0;
  let bottom = 0;
  for (const panel of picture.panels) {
    const { x, y, w, h } = panel.at;
    bottom = Math.max(bottom, (y + h) * LINE);
    const box = element(main, 'div', panel.type === 'row' ? 'row' : 'panel', panel.type === 'row' ? panel.title : undefined);
    const [width, height] = [w * COLUMN - GAP, h * LINE - GAP];
    box.style.top = `${y * LINE}px`;
    if (panel.type === 'row') continue;
    Object.assign(box.style, { left: `${x * COLUMN}px`, width: `${width}px`, height: `${height}px` });
    const title = element(box, 'h2', '', panel.title);
    if (panel.runbooks) element(title, 'i', '', panel.runbooks > 1 ? 'runbooks' : 'runbook');
    if ((panel.rows ?? panel.series).length > 0) drawPanel(box, picture, panel, width, height);
    else {
      empty.push(panel.title);
      element(box, 'div', 'none', 'No data');
    }
    panels += 1;
  }
  main.style.height = `${bottom}px`;
  return { panels, empty };
};
