import type { Dispatch } from '@berth/exchange';
import type { ExchangeContext, ExchangeOptions } from '../exchange-context.js';
import type { AnswerLog } from './answer-log.js';
import type { ClientOptions } from './forwarded.js';
import type { PipelineBudget } from './pipeline-budget.js';

/** Settings of the ingress over HTTP, in ms and bytes; see docs/configuration.md. */
export interface IngressOptions extends ExchangeOptions, ClientOptions {
  halfCloseGraceMs: number;
  maxTargetBytes: number;
  maxPipelined: number;
  retryAfterSeconds: number;
}

/** What all that arrives at one agent's port shares. */
export interface IngressContext extends ExchangeContext {
  options: IngressOptions;
  readonly pipelined: PipelineBudget;
  readonly answerLog: AnswerLog;
  /** opens exchanges, through all handlers; replaced when the policy of the port changes */
  dispatch: Dispatch;
}
