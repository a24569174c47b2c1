import { LatencyHistogram } from '@berth/observability';
import { type InvocationReply, InvocationStatus } from '../invocation/invocation.js';
import { isFailure } from '../invocation/replies.js';
import { steadyNow } from './clock.js';

/** How far back the health check looks, ms, at least; at most twice that. */
export const WINDOW_MS = 60_000;

/** Calls and errors of the last one to two minutes, in two halves that take turns: constant memory, and no timer. */
export class ErrorWindow {
  #started = 0;
  #now = { calls: 0, errors: 0 };
  #earlier = { calls: 0, errors: 0 };

  add(failed: boolean, now = steadyNow()): void {
    this.#turn(now);
    this.#now.calls += 1;
    if (failed) this.#now.errors += 1;
  }

  /** @returns what was seen of late */
  read(now = steadyNow()): { calls: number; errors: number } {
    this.#turn(now);
    return { calls: this.#now.calls + this.#earlier.calls, errors: this.#now.errors + this.#earlier.errors };
  }

  #turn(now: number): void {
    const age = now - this.#started;
    if (age < WINDOW_MS) return;
    this.#earlier = age < 2 * WINDOW_MS ? this.#now : { calls: 0, errors: 0 };
    this.#now = { calls: 0, errors: 0 };
    this.#started = now;
  }
}

/** Figures of one method's calls (checklist B17): plain fields, read when somebody asks for metrics. */
export class CallStats {
  inFlight = 0;
  /** ended calls by status */
  readonly byStatus: [okay: number, invalidRequest: number, appError: number, systemError: number] = [0, 0, 0, 0];
  readonly latency = new LatencyHistogram();

  /** @param window of the service, for the health check */
  constructor(readonly window: ErrorWindow) {}

  began(): void {
    this.inFlight += 1;
  }

  /** @param seconds from the call's arrival to its reply */
  ended(reply: InvocationReply, seconds: number): void {
    this.inFlight -= 1;
    this.byStatus[reply.status] += 1;
    this.latency.observe(seconds);
    // A caller's mistake says nothing about the health of the service.
    if (reply.status !== InvocationStatus.INVALID_REQUEST) this.window.add(isFailure(reply));
  }
}
