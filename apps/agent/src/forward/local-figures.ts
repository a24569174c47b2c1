import type { ResetCode } from '@berth/exchange';
import { LatencyHistogram } from '@berth/observability';

/** What the agent counts of its exchanges. Plain fields: the data path adds to them, others read them now and then. */
export class LocalFigures {
  /** begun */
  exchanges = 0;
  /** to which the local service gave a response head */
  answered = 0;
  /** reset by this agent, by code */
  readonly failed = new Map<ResetCode, number>();
  /** from an exchange's turn to the head of its answer; undefined when nobody asks for it */
  readonly latency: LatencyHistogram | undefined;

  /** @param timed whether latencies are measured */
  constructor(timed = false) {
    this.latency = timed ? new LatencyHistogram() : undefined;
  }

  /** @returns when a request to the local service began, monotonic ms; 0 when that is not measured */
  begin(): number {
    return this.latency === undefined ? 0 : performance.now();
  }

  /** @param beganAt as {@link begin} said */
  answer(beganAt: number): void {
    this.answered += 1;
    this.latency?.observe((performance.now() - beganAt) / 1000);
  }

  fail(code: ResetCode): void {
    this.failed.set(code, (this.failed.get(code) ?? 0) + 1);
  }
}
