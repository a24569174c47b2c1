import { Pool } from './undici-pool.js';
import type { AgentSettings } from '#config';
import { messageOf } from '#errors';
import { type Exchange, ExchangeKind, type ExchangeSink, ResetCode } from '#tunnel-protocol';
import { HttpForward } from './http-forward.js';
import { type LocalTarget, parseTarget } from './local-target.js';
import { NodeForward } from './node-forward.js';

/** Takes exchanges to the local service. */
export class Forwarder {
  private readonly target: LocalTarget;
  private readonly pool: Pool;

  constructor(private readonly settings: Pick<AgentSettings, 'target' | 'local'>) {
    const { local } = settings;
    this.target = parseTarget(settings.target);
    const { origin, socketPath } = this.target;
    this.pool = new Pool(origin, {
      connections: local.maxConnections,
      pipelining: 1,
      // The gateway has the deadlines; ours are only set on request.
      headersTimeout: local.responseTimeoutMs,
      bodyTimeout: local.idleTimeoutMs,
      maxHeaderSize: local.maxHeaderBytes,
      strictContentLength: true,
      allowH2: false,
      connect: { timeout: local.connectTimeoutMs, ...(socketPath === undefined ? {} : { socketPath }) },
    });
  }

  /** Begins an exchange and returns who takes its frames. Never throws: that would end the whole connection. */
  readonly forward = (exchange: Exchange): ExchangeSink => {
    try {
      return this.begin(exchange);
    } catch (thrown) {
      exchange.reset(ResetCode.localFailed, messageOf(thrown));
      return IGNORED;
    }
  };

  private begin(exchange: Exchange): ExchangeSink {
    if (exchange.open.kind === ExchangeKind.tcp) {
      exchange.reset(ResetCode.unsupported, 'raw TCP is not served by this agent');
      return IGNORED;
    }
    if (exchange.open.kind === ExchangeKind.upgrade || !undiciCanSend(exchange)) {
      const { maxHeaderBytes, responseTimeoutMs } = this.settings.local;
      return new NodeForward(exchange, this.target, maxHeaderBytes, responseTimeoutMs);
    }
    const forward = new HttpForward(exchange, this.pool);
    forward.start();
    return forward;
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

/** Decided by the head alone; see the facts in docs/data-path.md. */
function undiciCanSend({ open: { target, headers } }: Exchange): boolean {
  if (!target.startsWith('/') && !/^https?:\/\//.test(target)) return false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    // 6: Expect, 7: Trailer
    if (name.length === 6 && name.toLowerCase() === 'expect') return false;
    if (name.length === 7 && name.toLowerCase() === 'trailer') return false;
  }
  return true;
}

const nothing = (): void => undefined;
const IGNORED: ExchangeSink = {
  head: nothing,
  informational: nothing,
  data: nothing,
  end: nothing,
  failed: nothing,
  writable: nothing,
};
