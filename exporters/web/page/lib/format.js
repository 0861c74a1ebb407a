// SPDX-License-Identifier: Apache-2.0
// Formats numbers, times and names for people. Pure functions. Unknown values (null) are shown as "–", never as 0.

export const UNKNOWN = '–';
const MINUS = '−';

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

function isNumber(value) {
  return typeof value === 'number' && Number.isFinite(value);
}

// 1234567 -> "1,234,567"; whole numbers only.
export function count(value) {
  if (!isNumber(value)) return UNKNOWN;
  return integers.format(value).replace('-', MINUS);
}

// Three significant digits, no more than needed: 1.25, 12.5, 125, 1,250.
export function short(value) {
  if (!isNumber(value)) return UNKNOWN;
  const size = Math.abs(value);
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  const text = size.toFixed(digits);
  const [whole, fraction] = text.split('.');
  const trimmed = fraction ? fraction.replace(/0+$/, '') : '';
  const sign = value < 0 && Number(text) !== 0 ? MINUS : '';
  return sign + integers.format(Number(whole)) + (trimmed ? `.${trimmed}` : '');
}

// With a unit prefix from 100,000 on, where more digits would not matter: 123k, 4.5M.
function compact(value) {
  const size = Math.abs(value);
  if (size < 99_999.5) return short(value);
  for (const [unit, letter] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (size >= unit) return short(value / unit) + letter;
  }
  return short(value);
}

// A change per second, shown per minute, or per hour when it is slow: "+3.2/min", "−40/h", "steady".
export function slope(perSecond) {
  if (!isNumber(perSecond)) return UNKNOWN;
  const perMinute = perSecond * 60;
  const perHour = perSecond * 3600;
  if (Math.abs(perHour) < 0.5) return 'steady';
  const [value, unit] = Math.abs(perMinute) >= 1 ? [perMinute, 'min'] : [perHour, 'h'];
  return `${value < 0 ? MINUS : '+'}${compact(Math.abs(value))}/${unit}`;
}

// A rate that cannot be negative: "5,000/s", "0.25/s"; slow ones per minute or hour: "6/h".
export function rate(perSecond) {
  if (!isNumber(perSecond)) return UNKNOWN;
  if (perSecond === 0) return '0/s';
  if (Math.abs(perSecond) >= 0.1) return `${compact(perSecond)}/s`;
  if (Math.abs(perSecond) * 60 >= 0.1) return `${compact(perSecond * 60)}/min`;
  return `${compact(perSecond * 3600)}/h`;
}

// Seconds in a suitable unit: "250 ns", "2.5 µs", "1.2 ms", "3.4 s".
export function duration(seconds) {
  if (!isNumber(seconds)) return UNKNOWN;
  if (seconds === 0) return '0 s';
  for (const [unit, name] of [[1, 's'], [1e-3, 'ms'], [1e-6, 'µs']]) {
    // Values that would be rounded to "1,000 µs" are shown as "1 ms".
    if (Math.abs(seconds) >= unit * 0.9995) return `${short(seconds / unit)} ${name}`;
  }
  return `${short(seconds / 1e-9)} ns`;
}

// A quantile of durations from the API. null although there are events: it is beyond the largest bucket, 0.1 s.
export function quantile(seconds, events) {
  return seconds === null && events > 0 ? '> 100 ms' : duration(seconds);
}

// Whole seconds, minutes, hours, days: "12 s", "4 min", "2 h 05 min", "3 d 4 h".
export function span(seconds) {
  if (!isNumber(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 100) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(value) {
  if (!isNumber(value)) return UNKNOWN;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = Math.abs(value);
  let unit = 0;
  while (size >= 1023.5 && unit < units.length - 1) {
    size /= 1024;
    ++unit;
  }
  return `${value < 0 ? MINUS : ''}${short(size)} ${units[unit]}`;
}

// 0.934 -> "93 %". "100 %" and "0 %" are exact: values close to them are shown as "> 99.9 %" and "< 0.1 %".
export function percent(ratio) {
  if (!isNumber(ratio)) return UNKNOWN;
  const value = ratio * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  if (value > 99.9 && value < 100) return '> 99.9 %';
  if (value >= 1000) return `${count(value)} %`;
  const text = value < 10 || (value > 99 && value < 100) ? value.toFixed(1) : value.toFixed(0);
  return `${text.replace(/\.0$/, '').replace('-', MINUS)} %`;
}

function two(value) {
  return String(value).padStart(2, '0');
}

// Unix seconds in the reader's time zone: "03:12:45".
export function clock(unixSeconds) {
  if (!isNumber(unixSeconds)) return UNKNOWN;
  const date = new Date(unixSeconds * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

// "2026-11-25 03:12:45"
export function dateTime(unixSeconds) {
  if (!isNumber(unixSeconds)) return UNKNOWN;
  const date = new Date(unixSeconds * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(unixSeconds)}`;
}

export function plural(number, word, many = `${word}s`) {
  return `${count(number)} ${number === 1 ? word : many}`;
}

// The size of a range of this order: "4 KiB", and "> 128 KiB" for "6+". Empty when the granule is unknown.
export function orderSize(order, granuleBytes) {
  if (!isNumber(granuleBytes)) return '';
  const beyond = /^(\d+)\+$/.exec(order);
  if (beyond) return `> ${bytes(granuleBytes * 2 ** (Number(beyond[1]) - 1))}`;
  return bytes(granuleBytes * 2 ** Number(order));
}

// "depot-saturated" -> "depot saturated"
export function words(name) {
  return String(name).replaceAll('-', ' ');
}
