import { isIP } from 'node:net';
import type { AgentSettings } from '#config';
import type { LimitedLog } from '#observability';
import type { LocalTarget } from './local-target.js';
import { buildConnector, Client, type Connector } from './undici-client.js';

/** Somebody who wants a connection to the local service. */
export interface PoolUser {
  /** It is your turn; {@link LocalPool.leave} or {@link LocalPool.giveBack} follows when you are done. */
  run(): void;
  /** All connections are in use, and none became free in time. */
  refused(): void;
}

/** Why an exchange was refused, for logs. */
export const ALL_IN_USE = 'all connections to the local service are in use (local.maxConnections)';

/** Connections that are kept for the next request. More do not save much, and each holds a descriptor. */
const MAX_IDLE = 256;

/**
 * The connections to the local service. There are as many as exchanges under
 * way need, up to `local.maxConnections`, so that those which last do not use up
 * what short ones need. At the limit exchanges wait; and when no connection has
 * become free for `local.queueTimeoutMs`, whoever waits or comes is refused.
 *
 * undici's own pool looks through all its connections for a free one, which
 * costs more the more of them last; and it keeps what was cancelled in its
 * queue. Here free connections are a stack, and whoever leaves the queue is gone.
 */
export class LocalPool {
  private readonly clients = new Set<Client>();
  private readonly idle: Client[] = [];
  private active = 0;
  private readonly waiting = new Set<PoolUser>();
  /** when a connection last became free while all were in use, or when the last one was taken; monotonic ms */
  private freedAt = 0;
  private stuckTimer: NodeJS.Timeout | undefined;
  private serving = false;
  private closed = false;
  private readonly connect: Connector;

  /** @param settings with `maxConnections` of at least 1 */
  constructor(
    private readonly target: LocalTarget,
    private readonly settings: AgentSettings['local'],
    private readonly log: LimitedLog,
  ) {
    const { socketPath } = target;
    const options = {
      timeout: settings.connectTimeoutMs,
      ...(socketPath === undefined ? {} : { socketPath }),
      allowH2: false,
    };
    const connect = buildConnector(options);
    this.connect = target.secure && isIP(target.host) !== 0 ? withoutServerName(connect) : connect;
  }

  /** Runs the user now, or when it may have a connection; or refuses it. */
  acquire(user: PoolUser): void {
    const { maxConnections, queueTimeoutMs } = this.settings;
    if (this.active < maxConnections) {
      this.active += 1;
      if (this.active === maxConnections) this.freedAt = performance.now();
      user.run();
      return;
    }
    const leftMs = this.freedAt + queueTimeoutMs - performance.now();
    if (leftMs <= 0) {
      this.refuse(user);
      return;
    }
    this.waiting.add(user);
    this.stuckTimer ??= setTimeout(this.onStuck, leftMs);
  }

  /** Takes a user out of the queue. */
  abandon(user: PoolUser): void {
    this.waiting.delete(user);
  }

  /** For a user that runs: a connection for one request. */
  checkOut(): Client {
    return this.idle.pop() ?? this.create();
  }

  /**
   * The user is done with its connection.
   *
   * @param reusable false for one that undici refused to send on: it takes such a connection for busy for ever
   */
  giveBack(client: Client, reusable: boolean): void {
    if (!reusable || this.closed || client.destroyed) {
      this.clients.delete(client);
      if (!client.destroyed) client.destroy().catch(() => undefined);
    } else if (this.idle.length < MAX_IDLE) {
      this.idle.push(client);
    } else {
      this.clients.delete(client);
      client.close().catch(() => undefined);
    }
    this.leave();
  }

  /** The user is done; to be called once by each that ran without {@link checkOut}. */
  leave(): void {
    if (this.active === this.settings.maxConnections) this.freedAt = performance.now();
    this.active -= 1;
    if (this.waiting.size > 0 && !this.serving) this.serve();
  }

  /** In a loop, because who runs may be done at once, and leave again. */
  private serve(): void {
    this.serving = true;
    try {
      for (const next of this.waiting) {
        if (this.active >= this.settings.maxConnections) return;
        this.waiting.delete(next);
        this.active += 1;
        next.run();
      }
    } finally {
      this.serving = false;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.stuckTimer);
    const clients = [...this.clients];
    this.clients.clear();
    this.idle.length = 0;
    await Promise.all(clients.map((client) => client.destroy()));
  }

  private readonly onStuck = (): void => {
    this.stuckTimer = undefined;
    if (this.waiting.size === 0) return;
    const leftMs = this.freedAt + this.settings.queueTimeoutMs - performance.now();
    if (leftMs > 0) {
      this.stuckTimer = setTimeout(this.onStuck, leftMs);
      return;
    }
    const users = [...this.waiting];
    this.waiting.clear();
    for (const user of users) this.refuse(user);
  };

  private refuse(user: PoolUser): void {
    const { maxConnections, queueTimeoutMs } = this.settings;
    this.log.warn(
      { maxConnections, queueTimeoutMs },
      'exchanges are refused: all connections to the local service are in use (local.maxConnections, local.queueTimeoutMs)',
    );
    user.refused();
  }

  private create(): Client {
    const { target, settings } = this;
    const client = new Client(target.origin, {
      pipelining: 1,
      // The gateway has the deadlines; ours are only set on request.
      headersTimeout: settings.responseTimeoutMs,
      bodyTimeout: settings.idleTimeoutMs,
      maxHeaderSize: settings.maxHeaderBytes,
      strictContentLength: true,
      allowH2: false,
      connect: this.connect,
    });
    this.clients.add(client);
    return client;
  }
}

/** TLS knows no server name that is an address (RFC 6066 section 3). */
function withoutServerName(connect: Connector): Connector {
  return ({ servername: _unused, ...rest }, callback) => {
    connect(rest, callback);
  };
}
