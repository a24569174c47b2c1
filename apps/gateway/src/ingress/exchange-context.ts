import type { LimitedLog, Log } from '@berth/observability';
import type { LocalService } from '../agents/index.js';
import type { Deadlines } from './handlers/deadlines.js';
import type { RetrySettings } from './retry.settings.js';

/** Settings of the ingress that concern every exchange, in ms and bytes; see docs/configuration.md. */
export interface ExchangeOptions {
  responseTimeoutMs: number;
  bodyStartTimeoutMs: number;
  /** 0: none */
  minRateBytesPerSecond: number;
  rateWindowMs: number;
  idleTimeoutMs: number;
  /** of a raw TCP connection; 0: none */
  tcpIdleTimeoutMs: number;
  /** 0: no limit */
  maxBodyBytes: number;
  retry: Readonly<RetrySettings>;
}

/** What the handlers around the exchanges of one agent share. */
export interface ExchangeContext {
  readonly service: LocalService;
  readonly options: ExchangeOptions;
  readonly deadlines: Deadlines;
  readonly log: Log;
  /** for lines that clients can cause */
  readonly limitedLog: LimitedLog;
}
