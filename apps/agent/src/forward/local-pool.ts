import { isIP } from 'node:net';
import type { Dispatcher } from 'undici';
import type { AgentSettings } from '#config';
import type { LocalTarget } from './local-target.js';
import { buildConnector, type Connector, Pool } from './undici-pool.js';

/** Somebody who waits for a connection to the local service. */
export interface PoolUser {
  /** It is your turn; {@link LocalPool.release} follows when you are done. */
  run(dispatcher: Dispatcher): void;
}

/**
 * undici's connections to the local service, with a queue of our own in front.
 * undici's keeps what was cancelled until a connection is free, and then ends
 * the connection with it; here whoever leaves the queue is gone.
 */
export class LocalPool {
  private pool: Pool;
  private active = 0;
  private readonly waiting = new Set<PoolUser>();

  constructor(
    private readonly target: LocalTarget,
    private readonly settings: AgentSettings['local'],
  ) {
    this.pool = this.create();
  }

  /** Runs the user now, or when a connection is free. */
  acquire(user: PoolUser): void {
    if (this.active < this.settings.maxConnections) {
      this.active += 1;
      user.run(this.pool);
    } else {
      this.waiting.add(user);
    }
  }

  /** Takes a user out of the queue. */
  abandon(user: PoolUser): void {
    this.waiting.delete(user);
  }

  /** To be called once by each user that ran. */
  release(): void {
    for (const next of this.waiting) {
      this.waiting.delete(next);
      next.run(this.pool);
      return;
    }
    this.active -= 1;
  }

  /**
   * Goes on with fresh connections. A request that undici refuses before it
   * sends it leaves the connection it was meant for marked as busy for ever.
   */
  renew(): void {
    const old = this.pool;
    this.pool = this.create();
    old.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private create(): Pool {
    const { target, settings } = this;
    const { socketPath } = target;
    const connect = { timeout: settings.connectTimeoutMs, ...(socketPath === undefined ? {} : { socketPath }) };
    return new Pool(target.origin, {
      connections: settings.maxConnections,
      pipelining: 1,
      // The gateway has the deadlines; ours are only set on request.
      headersTimeout: settings.responseTimeoutMs,
      bodyTimeout: settings.idleTimeoutMs,
      maxHeaderSize: settings.maxHeaderBytes,
      strictContentLength: true,
      allowH2: false,
      connect: target.secure && isIP(target.host) !== 0 ? withoutServerName(connect) : connect,
    });
  }
}

/** TLS knows no server name that is an address (RFC 6066 section 3). */
function withoutServerName(options: { timeout: number }): Connector {
  const connect = buildConnector({ ...options, allowH2: false });
  return ({ servername: _unused, ...rest }, callback) => {
    connect(rest, callback);
  };
}
