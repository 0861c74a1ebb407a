// SPDX-License-Identifier: Apache-2.0
// Numbers as Grafana writes them, for the units that the dashboards use; colours by thresholds.
const PALETTE = ['#73bf69', '#f2cc0c', '#8ab8ff', '#ff780a', '#f2495c', '#5794f2', '#b877d9', '#705da0', '#37872d', '#fade2a', '#447ebc', '#c15c17'];
const NAMED = { green: '#73bf69', orange: '#ff9830', red: '#f2495c', yellow: '#fade2a', blue: '#5794f2', text: '#ccccdc' };

const digits = (value) => (value === 0 ? '0' : Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));

function scaled(value, base, names) {
  let at = 0;
  let size = Math.abs(value);
  while (size >= base && at < names.length - 1) { size /= base; at += 1; }
  return `${digits(Math.sign(value) * size)}${names[at]}`;
}

const SPANS = [[1e-9, 'ns'], [1e-6, 'µs'], [1e-3, 'ms'], [1, 's'], [60, 'min'], [3600, 'hour'], [86400, 'day'], [31557600, 'year']];
function seconds(value) {
  if (value === 0) return '0 s';
  const [size, name] = SPANS.filter(([span]) => Math.abs(value) >= span * 0.9999).at(-1) ?? SPANS[0];
  return `${digits(value / size)} ${name}`;
}

window.formatted = (value, unit) => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  switch (unit) {
    case 'percentunit': return `${digits(value * 100)}%`;
    case 'bytes': return scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']);
    case 's': return seconds(value);
    case 'ops': return `${scaled(value, 1000, ['', 'K', 'M', 'G'])} ops/s`;
    default: return scaled(value, 1000, ['', ' K', ' Mil', ' Bil']);
  }
};

window.colorOf = (index) => PALETTE[index % PALETTE.length];
window.named = (color) => NAMED[color] ?? color;
window.byThreshold = (value, steps) => window.named(steps.filter((step) => step.value === null || value >= step.value).at(-1)?.color ?? 'text');
