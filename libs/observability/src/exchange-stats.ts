/** Upper bounds of the latency histogram, seconds (checklist A17). */
export const LATENCY_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/**
 * Figures of one agent's exchanges. Plain fields: the data path adds to them,
 * and the metrics registry reads them when it is asked.
 */
export class ExchangeStats {
  requests = 0;
  /** answers that Berth gave because the agent or its service could not */
  errors = 0;
  upgrades = 0;
  /** body bytes, client to service */
  bytesIn = 0;
  /** body bytes, service to client */
  bytesOut = 0;
  latencySumSeconds = 0;
  /** not cumulative; the last one is beyond all bounds */
  readonly latencyCounts: number[] = new Array<number>(LATENCY_BUCKETS_SECONDS.length + 1).fill(0);

  /** @param seconds from the request's head to the end of its answer */
  observe(seconds: number): void {
    this.latencySumSeconds += seconds;
    let bucket = 0;
    while (bucket < LATENCY_BUCKETS_SECONDS.length && seconds > (LATENCY_BUCKETS_SECONDS[bucket] as number))
      bucket += 1;
    this.latencyCounts[bucket] = (this.latencyCounts[bucket] as number) + 1;
  }
}
