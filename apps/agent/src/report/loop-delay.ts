import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** How often the loop is looked at, ms: what is told may be too short by that. Each look costs some 50 µs of CPU. */
const RESOLUTION_MS = 100;

/** How busy the event loop has been since the last look. Costs nothing before the first. */
export class LoopDelay {
  private histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  private since: ReturnType<typeof performance.eventLoopUtilization> | undefined;

  /** @returns undefined at the first look, which begins to measure */
  read(): { maxSeconds: number; utilization: number } | undefined {
    const { histogram, since } = this;
    this.since = performance.eventLoopUtilization();
    if (histogram === undefined || since === undefined) {
      this.histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.histogram.enable();
      return undefined;
    }
    // It measures from one look to the next, and with none in between it has no greatest.
    const maxMs = histogram.count === 0 ? 0 : histogram.max / 1e6 - RESOLUTION_MS;
    histogram.reset();
    return {
      maxSeconds: Math.max(0, maxMs) / 1000,
      utilization: performance.eventLoopUtilization(this.since, since).utilization,
    };
  }

  stop(): void {
    this.histogram?.disable();
  }
}
