import type { LimitedLog, Log } from '@berth/observability';
import type { Agent } from '../agents/index.js';
import type { AnswerLog } from './http/answer-log.js';
import type { Deadlines } from './deadlines.js';
import type { ForwardedPolicy } from './http/forwarded.js';
import type { IngressInterceptor } from './interceptor.js';
import type { PipelineBudget } from './http/pipeline-budget.js';

/** Settings of the ingress, in ms and bytes; see docs/configuration.md. */
export interface IngressOptions {
  responseTimeoutMs: number;
  bodyStartTimeoutMs: number;
  /** 0: none */
  minRateBytesPerSecond: number;
  rateWindowMs: number;
  idleTimeoutMs: number;
  halfCloseGraceMs: number;
  maxTargetBytes: number;
  maxPipelined: number;
  /** 0: no limit */
  maxBodyBytes: number;
  forwardedHeaders: ForwardedPolicy;
  retryAfterSeconds: number;
}

/** What every exchange of one agent's port shares. */
export interface IngressContext {
  readonly agent: Agent;
  readonly options: IngressOptions;
  readonly deadlines: Deadlines;
  readonly pipelined: PipelineBudget;
  readonly interceptors: readonly IngressInterceptor[];
  readonly log: Log;
  readonly answerLog: AnswerLog;
  /** for lines that clients can cause */
  readonly limitedLog: LimitedLog;
}
