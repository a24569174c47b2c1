import { LatencyHistogram } from '@berth/observability';
import { type InvocationReply, InvocationStatus } from '../invocation/invocation.js';
import { isFailure } from '../invocation/replies.js';
import { ErrorWindow } from './error-window.js';

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
