import type { Decision, LoadFigures } from '@berth/policy-agents';
import type { Workplace } from './workplace.js';

/** Handlers whose durations are remembered for percentiles. */
const REMEMBERED = 512;

/** What the agent reports of its work. */
export class LoadMeter {
  readonly decisions: Record<Decision['kind'], number> = { allow: 0, block: 0, redirect: 0, challenge: 0 };
  errors = 0;
  #rejected = 0;
  #timedOut = 0;
  #count = 0;
  readonly #durations = new Float64Array(REMEMBERED);

  judged(decision: Decision['kind'], tookMs: number): void {
    this.decisions[decision] += 1;
    this.#durations[this.#count % REMEMBERED] = tookMs;
    this.#count += 1;
  }

  failed(): void {
    this.errors += 1;
  }

  rejected(): void {
    this.#rejected += 1;
  }

  timedOut(): void {
    this.#timedOut += 1;
  }

  figures(workplace: Workplace): LoadFigures {
    const sorted = this.#durations.slice(0, Math.min(this.#count, REMEMBERED)).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      inFlight: workplace.working,
      queueDepth: workplace.queued,
      avgLatencyMs: sorted.length === 0 ? 0 : sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
      p50LatencyMs: at(0.5),
      p95LatencyMs: at(0.95),
      p99LatencyMs: at(0.99),
      requestsProcessed: this.#count,
      requestsRejected: this.#rejected,
      requestsTimedOut: this.#timedOut,
    };
  }
}
