const byValue = (a: number, b: number): number => a - b;

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param share 0.99 for p99; lies between two values where it falls between them */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted(byValue);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Three digits that say something, without exponents. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** Slope of the line that fits the points best, by least squares; y per x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x0, y0] = [mean(0), mean(1)];
  const [xy, xx] = points.reduce(([xy, xx], [x, y]) => [xy + (x - x0) * (y - y0), xx + (x - x0) ** 2], [0, 0]);
  return xy / xx;
}

export const MiB = 1024 * 1024;

/** Bytes in a time, in 10^6 bytes per second. */
export const megabytesPerSecond = (bytes: number, ms: number): number => bytes / 1000 / ms;

/** The machine's monotonic clock, ms: the same in all its processes. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
