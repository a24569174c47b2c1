import { LatencyHistogram } from '@berth/observability';
import { type InvocationReply, InvocationStatus } from '../invocation/invocation.js';
import { isFailure } from '../invocation/replies.js';
import { steadyNow } from './clock.js';

/** How far back the health check looks, ms, at least; at most twice that. */
export const WINDOW_MS = 60_000;

/**
 * Calls and errors of the last one to two minutes, in two halves that take
 * turns: constant memory, and no timer.
 */
export class ErrorWindow {
  #started = 0;
  #calls = 0;
  #errors = 0;
  #earlierCalls = 0;
  #earlierErrors = 0;

  add(failed: boolean, now = steadyNow()): void {
    this.#turn(now);
    this.#calls += 1;
    if (failed) this.#errors += 1;
  }

  /** @returns what was seen of late */
  read(now = steadyNow()): { calls: number; errors: number } {
    this.#turn(now);
    return { calls: this.#calls + this.#earlierCalls, errors: this.#errors + this.#earlierErrors };
  }

  #turn(now: number): void {
    const age = now - this.#started;
    if (age < WINDOW_MS) return;
    const recent = age < 2 * WINDOW_MS;
    this.#earlierCalls = recent ? this.#calls : 0;
    this.#earlierErrors = recent ? this.#errors : 0;
    this.#calls = 0;
    this.#errors = 0;
    this.#started = now;
  }
}

/** Figures of one method's calls (checklist B17): plain fields, read when somebody asks for metrics. */
export class CallStats {
  inFlight = 0;
  /** ended calls by status */
  readonly byStatus: [okay: number, invalidRequest: number, appError: number, systemError: number] = [0, 0, 0, 0];
  readonly latency = new LatencyHistogram();
  /** of late, for the health check */
  readonly window = new ErrorWindow();

  /** @param seconds from the call's arrival to its reply */
  ended(reply: InvocationReply, seconds: number): void {
    this.byStatus[reply.status] += 1;
    this.latency.observe(seconds);
    // A caller's mistake says nothing about the health of the service.
    if (reply.status !== InvocationStatus.INVALID_REQUEST) this.window.add(isFailure(reply));
  }
}
