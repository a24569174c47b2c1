import { BerthError } from '@berth/errors';

/** First port to last, both included. */
export interface PortRange {
  /** first port, 1..65535 */
  readonly start: number;
  /** last port, inclusive */
  readonly end: number;
}

/** Ports of some ranges, in their order. */
export class PortSet {
  readonly size: number;
  /** lowest and highest port; 0 and -1 when there is none */
  readonly start: number;
  readonly end: number;

  constructor(readonly ranges: readonly PortRange[]) {
    this.size = ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
    this.start = ranges.length === 0 ? 0 : Math.min(...ranges.map(({ start }) => start));
    this.end = Math.max(-1, ...ranges.map(({ end }) => end));
  }

  has(port: number): boolean {
    return this.ranges.some(({ start, end }) => port >= start && port <= end);
  }

  /** @param index 0..size - 1 */
  at(index: number): number {
    let left = index;
    for (const { start, end } of this.ranges) {
      if (left <= end - start) return start + left;
      left -= end - start + 1;
    }
    throw new RangeError(`there are ${this.size} ports, and no port ${index}`);
  }

  /** `8100-8200, 9000-9099` */
  toString(): string {
    return this.ranges.map(({ start, end }) => `${start}-${end}`).join(', ');
  }
}

/**
 * @param setting where it comes from, for the message
 * @throws BerthError `BERTH_CONFIG_INVALID` for a range that is empty or beyond 1..65535
 */
export function checkedRange({ start, end }: PortRange, setting: string): PortRange {
  const valid = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;
  if (!valid(start) || !valid(end) || start > end) {
    throw new BerthError(
      'BERTH_CONFIG_INVALID',
      `${setting}: ${start}-${end} is not a range; start and end must be 1..65535 and start <= end`,
    );
  }
  return { start, end };
}

/** The first two of some ranges that have a port in common. */
export function overlap<T extends PortRange>(ranges: readonly T[]): [T, T] | undefined {
  const sorted = [...ranges].sort((a, b) => a.start - b.start);
  for (const [index, range] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && next.start <= range.end) return [range, next];
  }
  return undefined;
}
