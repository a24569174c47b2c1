import { LimitedLog, silentLog } from '@berth/observability';
import { Agent, LocalService } from '../src/agents/index.js';
import type { ExchangeContext, ExchangeOptions } from '../src/ingress/exchange-context.js';
import { AffinitySettings } from '../src/ingress/affinity.settings.js';
import { affinityKey } from '../src/ingress/affinity-cookies.js';
import { RetrySettings } from '../src/ingress/retry.settings.js';
import { Deadlines } from '../src/ingress/handlers/deadlines.js';

/** What handlers of one agent share, with times and limits that a test can see pass. */
export function handlerContext(options: Partial<ExchangeOptions> = {}): ExchangeContext {
  return {
    service: new LocalService(new Agent('a1', 'instance'), 'default', 'http'),
    options: {
      responseTimeoutMs: 10_000,
      bodyStartTimeoutMs: 2000,
      idleTimeoutMs: 5000,
      tcpIdleTimeoutMs: 0,
      minRateBytesPerSecond: 0,
      rateWindowMs: 4000,
      maxBodyBytes: 0,
      retry: new RetrySettings(),
      affinity: new AffinitySettings(),
      ...options,
    },
    deadlines: new Deadlines(),
    affinityKey: affinityKey('the secret of a test'),
    log: silentLog,
    limitedLog: new LimitedLog(silentLog),
  };
}
