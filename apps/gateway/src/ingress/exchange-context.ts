import type { Frozen } from '@berth/config';
import type { LimitedLog, Log } from '@berth/observability';
import type { KeyObject } from 'node:crypto';
import type { LocalService } from '../agents/index.js';
import type { AffinitySettings } from './affinity.settings.js';
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
  affinity: Frozen<AffinitySettings>;
}

/** What the handlers around the exchanges of one agent share. */
export interface ExchangeContext {
  readonly service: LocalService;
  /** replaced as a whole when settings or the policy of the port change */
  options: ExchangeOptions;
  readonly deadlines: Deadlines;
  /** signs the cookies of affinity; absent at ports whose clients send none */
  readonly affinityKey?: KeyObject;
  readonly log: Log;
  /** for lines that clients can cause */
  readonly limitedLog: LimitedLog;
}
