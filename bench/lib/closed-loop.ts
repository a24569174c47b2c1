import { Latencies } from './latencies.js';

/** What a helper is asked to do: so many calls under way at any time, for so long. */
export interface Load {
  readonly inFlight: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly failures: number;
  readonly firstFailure?: string;
}

/** Calls again as soon as a call has ended. @param call rejects when it fails; `lane` is 0..inFlight-1 */
export async function closedLoop(
  { inFlight, seconds }: Load,
  call: (lane: number) => Promise<unknown>,
): Promise<LoadResult> {
  const latencies = new Latencies();
  let failures = 0;
  let firstFailure: string | undefined;
  const start = performance.now();
  const end = start + seconds * 1000;

  async function run(lane: number): Promise<void> {
    for (let from = performance.now(); from < end;) {
      let failed = false;
      try {
        await call(lane);
      } catch (error) {
        failed = true;
        failures += 1;
        firstFailure ??= String(error);
      }
      const to = performance.now();
      if (!failed) latencies.add((to - from) * 1000);
      from = to;
    }
  }

  await Promise.all(Array.from({ length: inFlight }, (_, lane) => run(lane)));
  const ms = performance.now() - start;
  return {
    calls: latencies.count,
    callsPerSecond: (latencies.count / ms) * 1000,
    p50Micros: latencies.quantile(0.5),
    p99Micros: latencies.quantile(0.99),
    failures,
    ...(firstFailure !== undefined && { firstFailure }),
  };
}
