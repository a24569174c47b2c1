/** What a replica did in the last seconds. */
export interface ReplicaFigures {
  readonly id: string;
  /** part of its requests that failed, 0 … 1 */
  readonly errorRate: number;
  /** mean until the head of the answer, ms */
  readonly latencyMs: number;
}

export interface OutlierLimits {
  /** part of its requests that failed, from which on a replica is an outlier; 0 … 1 */
  errorShare: number;
  /** how many times slower than the others' median it may be */
  latencyFactor: number;
  /** mean latency below which nobody is slow, ms */
  latencyFloorMs: number;
}

/**
 * Why a replica is an outlier; undefined when it is none. It is one beside
 * others only: what all of them suffer from is not cured by taking one out.
 */
export function outlierReason(
  own: ReplicaFigures,
  others: readonly ReplicaFigures[],
  { errorShare, latencyFactor, latencyFloorMs }: OutlierLimits,
): string | undefined {
  if (others.length === 0) return undefined;
  if (own.errorRate >= errorShare && median(others, 'errorRate') < errorShare) {
    return `outlier: ${Math.round(own.errorRate * 100)} % of its requests fail`;
  }
  const usualMs = median(others, 'latencyMs');
  if (own.latencyMs < latencyFloorMs || own.latencyMs <= latencyFactor * usualMs) return undefined;
  return `outlier: ${Math.round(own.latencyMs)} ms, where others take ${Math.round(usualMs)} ms`;
}

/** Failures are worse than any latency. */
export function worstFirst(a: ReplicaFigures, b: ReplicaFigures): number {
  return b.errorRate - a.errorRate || b.latencyMs - a.latencyMs;
}

function median(list: readonly ReplicaFigures[], key: 'errorRate' | 'latencyMs'): number {
  const values = list.map((it) => it[key]).sort((a, b) => a - b);
  return values[Math.floor((values.length - 1) / 2)] ?? 0;
}
