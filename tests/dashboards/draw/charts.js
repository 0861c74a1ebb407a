// SPDX-License-Identifier: Apache-2.0
// Time series with uPlot; heat maps, states and the sparkline of a stat as SVG.
const AXIS = { stroke: '#a0a0ac', grid: { stroke: '#2a2d33', width: 1 }, ticks: { show: false }, font: '11px Inter, "DejaVu Sans"' };

// One value for every step of the picture; null if there is no point near it.
function gridOf(picture, series) {
  const count = Math.round((picture.to - picture.from) / picture.step) + 1;
  const times = Array.from({ length: count }, (_, i) => picture.from + i * picture.step);
  const columns = series.map(({ points }) => {
    const column = new Array(count).fill(null);
    for (const [time, value] of points) column[Math.round((time - picture.from) / picture.step)] = value;
    return column;
  });
  return [times, columns];
}

// Every stacked series on top of those before it; gaps stay gaps.
function stack(columns, series) {
  const sum = new Array(columns[0]?.length ?? 0).fill(0);
  return columns.map((column, i) => (series[i].stacked ? column.map((value, at) => { sum[at] += value ?? 0; return value === null ? null : sum[at]; }) : column));
}

function marksAndBounds(picture, panel) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.lineWidth = 1;
    ctx.setLineDash([4, 3]);
    for (const mark of picture.marks) {
      const x = Math.round(plot.valToPos(mark.from, 'x', true)) + 0.5;
      ctx.strokeStyle = window.named(mark.color);
      ctx.globalAlpha = 0.55;
      ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
    }
    ctx.globalAlpha = 0.8;
    for (const step of panel.steps.filter(({ value }) => value !== null && value > 1e-6)) {
      const y = plot.valToPos(step.value, 'y', true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = window.named(step.color);
      ctx.beginPath(); ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); ctx.stroke();
    }
    ctx.restore();
  };
}

window.drawSeries = (box, picture, panel, width, height) => {
  const [times, columns] = gridOf(picture, panel.series);
  const values = stack(columns, panel.series);
  const axes = [{ ...AXIS, space: 80, values: (_, splits) => splits.map((time) => new Date(time * 1000).toISOString().slice(11, 19)) },
    { ...AXIS, size: 74, values: (_, splits) => splits.map((value) => window.formatted(value, panel.unit)) }];
  const rightUnit = panel.series.find(({ right }) => right)?.unit;
  if (rightUnit) axes.push({ ...AXIS, scale: 'right', side: 1, size: 66, grid: { show: false }, values: (_, splits) => splits.map((value) => window.formatted(value, rightUnit)) });
  const stacked = panel.series.map((one, i) => (one.stacked ? i : -1)).filter((i) => i >= 0);
  const bands = stacked.slice(1).map((i, n) => ({ series: [i + 1, stacked[n] + 1], fill: `${window.colorOf(i)}80` }));
  const range = (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : 1];
  const plot = new window.uPlot({
    width, height, legend: { show: false }, cursor: { show: false }, bands, axes,
    scales: { x: { time: true }, y: { range }, right: { range } },
    series: [{}, ...panel.series.map((one, i) => ({
      scale: one.right ? 'right' : 'y', stroke: one.dashed ? window.named('text') : window.colorOf(i), width: 1.5, points: { show: false }, dash: one.dashed ? [8, 6] : undefined,
      fill: one.dashed || (one.stacked && i !== stacked[0]) ? undefined : `${window.colorOf(i)}${one.stacked ? '80' : '14'}`,
    }))],
    hooks: { draw: [marksAndBounds(picture, panel)] },
  }, [times, ...values], box);
  return plot;
};

const SVG = 'http://www.w3.org/2000/svg';
function shape(parent, name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// Width of the names on the left.
const roomFor = (names) => Math.min(220, 22 + 6.3 * Math.max(...names.map(({ length }) => length)));

function lanes(box, width, height, names, left, draw) {
  const svg = shape(box, 'svg', { width, height });
  const each = height / names.length;
  const every = Math.ceil(13 / each);
  names.forEach((name, i) => {
    const y = height - (i + 1) * each;
    if (i % every === 0) shape(svg, 'text', { x: left - 8, y: y + each / 2 + 4, 'text-anchor': 'end' }, name);
    draw(svg, i, y, each);
  });
}

// From white to dark orange, with the exponential scale of the dashboards.
function heat(share) {
  const [r, g, b] = [[255, 245, 235], [253, 141, 60], [127, 39, 4]].reduce((before, after, i, all) => {
    const x = (1 - share ** 0.5) * (all.length - 1);
    const t = Math.min(1, Math.max(0, x - (i - 1)));
    return before.map((value, c) => value + (after[c] - value) * t);
  }, [255, 245, 235]);
  return `rgb(${Math.round(r)},${Math.round(g)},${Math.round(b)})`;
}

window.drawHeat = (box, picture, panel, width, height) => {
  const most = Math.max(1e-12, ...panel.rows.flatMap(([, samples]) => samples.map(([, value]) => value)));
  const names = panel.rows.map(([name]) => (panel.buckets ? (name === '+Inf' ? 'more' : window.formatted(Number(name), 's')) : name));
  const left = roomFor(names);
  const cell = ((width - left) * picture.step) / (picture.to - picture.from + picture.step);
  lanes(box, width, height, names, left, (svg, i, y, each) => {
    for (const [time, value] of panel.rows[i][1]) {
      if (value <= 1e-9) continue;
      shape(svg, 'rect', { x: left + ((time - picture.from) / picture.step) * cell, y: y + 0.5, width: Math.max(1, cell - 0.5), height: Math.max(1, each - 1), fill: heat(value / most) });
    }
  });
};

window.drawStates = (box, picture, panel, width, height) => {
  const series = [...panel.series].reverse();
  const names = series.map(({ name }) => name);
  const left = roomFor(names);
  const scale = (width - left) / (picture.to - picture.from + picture.step);
  lanes(box, width, height, names, left, (svg, i, y, each) => {
    const runs = [];
    for (const [time, value] of series[i].points) {
      const last = runs.at(-1);
      if (last?.value === value && time - last.to <= picture.step * 1.5) last.to = time;
      else runs.push({ value, from: time, to: time });
    }
    for (const { value, from, to } of runs) {
      const [x, long] = [left + (from - picture.from) * scale, (to - from + picture.step) * scale];
      const state = panel.mappings[String(value)] ?? { text: String(value), color: 'text' };
      shape(svg, 'rect', { x, y: y + each * 0.1, width: long, height: each * 0.8, fill: window.named(state.color), opacity: 0.7 });
      if (long > 60 && each > 14) shape(svg, 'text', { x: x + 6, y: y + each / 2 + 4 }, state.text);
    }
  });
};

window.drawCurve = (box, picture, series, color) => {
  const svg = shape(box, 'svg', { viewBox: '0 0 100 40', preserveAspectRatio: 'none' });
  const values = series.points.map(([, value]) => value);
  const [low, high] = [Math.min(0, ...values), Math.max(...values, 1e-12)];
  const at = series.points.map(([time, value]) => `${(100 * (time - picture.from)) / (picture.to - picture.from)},${38 - (34 * (value - low)) / (high - low || 1)}`);
  if (at.length < 2) return;
  shape(svg, 'polygon', { points: `${at[0].split(',')[0]},40 ${at.join(' ')} ${at.at(-1).split(',')[0]},40`, fill: color, opacity: 0.18 });
  shape(svg, 'polyline', { points: at.join(' '), fill: 'none', stroke: color, 'stroke-width': 1, 'vector-effect': 'non-scaling-stroke' });
};
