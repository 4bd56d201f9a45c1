import { now } from './clock';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function short(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(2).replace(/\.?0+$/, '');
}

/** A value in the first of the units, each `step` times the one before, in which it is less than `most`. */
function inUnit(value: number, units: string[], step: number, most: number): [number, string] {
  let at = 0;
  let left = value;
  while (Math.abs(left) >= most && at < units.length - 1) {
    left /= step;
    at += 1;
  }
  return [left, units[at] ?? ''];
}

/** A size for people, in binary units. */
export function bytes(value: number): string {
  const [left, unit] = inUnit(value, UNITS, 1024, 1023.5);
  return `${short(left)} ${unit}`;
}

/** Made when first used: the first of them takes longer than to evaluate all of the entry. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

const fractional = once(() => new Intl.NumberFormat('en'));

/** A count with separators. */
export function count(value: number): string {
  return Number.isSafeInteger(value) ? String(value).replace(/\B(?=(\d{3})+$)/g, ',') : fractional().format(value);
}

const THOUSANDS = ['', 'K', 'M', 'B', 'T'];

/** A count in few characters: 336.8K. */
export function compact(value: number): string {
  if (value < 10_000) return count(value);
  const [left, unit] = inUnit(value, THOUSANDS, 1000, 999.95);
  return left.toFixed(1).replace(/\.0$/, '') + unit;
}

/** "1 file", "2 files". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

const SPANS: [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** A time span of so many milliseconds in its largest fitting unit. */
export function duration(ms: number): string {
  for (const [size, name] of SPANS) if (ms >= size) return `${short(ms / size)} ${name}`;
  return `${short(ms)} ms`;
}

/** Microseconds for people. */
export function micros(us: number): string {
  return us < 1000 ? `${us} µs` : duration(us / 1000);
}

const STEPS: [number, string][] = [
  [31_557_600_000, 'year'],
  [2_629_800_000, 'month'],
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
];

/** How long ago an RFC 3339 time was, by the server's clock. */
export function ago(at: string, from = now()): string {
  const past = from - Date.parse(at);
  if (Number.isNaN(past)) return at;
  for (const [size, unit] of STEPS) {
    if (Math.abs(past) < size) continue;
    const span = plural(Math.round(Math.abs(past) / size), unit);
    if (span === '1 day') return past > 0 ? 'yesterday' : 'tomorrow';
    return past > 0 ? `${span} ago` : `in ${span}`;
  }
  return past < -1000 ? 'in a moment' : 'just now';
}

const second = once(() => new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' }));

/** A time to the second in the reader's zone. */
export function exactTime(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : `${second().format(date)} (${at})`;
}

const upToMinute = once(() => new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' }));

/** A time to the minute in the reader's zone. */
export function minute(at: string | number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : upToMinute().format(date);
}

/** A measured value in its unit, as findings tell it. */
export function measure(value: number, unit: string): string {
  switch (unit) {
    case 'bytes':
      return bytes(value);
    case 'ratio':
      return `${short(value * 100)} %`;
    case 'ms':
      return duration(value);
    case '':
      return count(value);
    default:
      return `${Number.isInteger(value) ? count(value) : short(value)} ${unit}`;
  }
}

/** `table.compact` and `self-tested` as words. */
export function words(name: string): string {
  const text = name.replace(/[-_.]/g, ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
