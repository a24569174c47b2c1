import type { Socket } from 'node:net';
import type { AgentSettings } from '../agent-settings.js';
import type { LimitedLog } from '@berth/observability';
import { localConnector } from './local-connector.js';
import type { LocalTarget } from './local-target.js';
import { Client, type Connector } from './undici-client.js';

/** Somebody who wants a connection to the local service. */
export interface PoolUser {
  /** it opens a socket of its own and has no use for a connection that is free */
  readonly opensSocket: boolean;
  /** It is its turn after a wait; {@link LocalPool.leave} or {@link LocalPool.giveBack} follows when it is done. */
  run(): void;
  /** All connections are in use, and none became free in time. */
  refused(): void;
}

/** Why an exchange was refused, for logs. */
export const ALL_IN_USE = 'all connections to the local service are in use (local.maxConnections, or maxConcurrency)';

/**
 * Connections that are being opened at a time. A burst of requests takes what
 * becomes free meanwhile, and does not overrun the service's queue of
 * connections to accept: what that drops is tried again by TCP after a second.
 */
const MAX_OPENING = 64;

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
  /** connected and free */
  private readonly idle: Client[] = [];
  /** without a connection */
  private readonly spare: Client[] = [];
  private readonly opening = new Set<Client | Socket>();
  private readonly sockets = new WeakMap<Client, Socket>();
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
    this.connect = localConnector(target, settings.connectTimeoutMs);
  }

  /** Users that run. */
  get inUse(): number {
    return this.active;
  }

  /** Users that wait for their turn. */
  get queued(): number {
    return this.waiting.size;
  }

  /**
   * Asks for a turn.
   *
   * @returns true when it is there: the caller runs now. Otherwise `run` or `refused` of the user is called, maybe at once
   */
  acquire(user: PoolUser): boolean {
    if (this.waiting.size === 0 && this.mayRun(user)) {
      this.take();
      return true;
    }
    if (this.isFull && this.leftMs() <= 0) this.refuse(user);
    else {
      this.waiting.add(user);
      this.watchQueue();
    }
    return false;
  }

  /** Takes a user out of the queue. */
  abandon(user: PoolUser): void {
    this.waiting.delete(user);
  }

  /** For a user that runs: a connection for one request. */
  checkOut(): Client {
    const free = this.idle.pop();
    if (free !== undefined) return free;
    const client = this.spare.pop() ?? this.create();
    this.opening.add(client);
    return client;
  }

  /** For a user that runs and has opened a socket of its own: the user is done when that has closed. */
  track(socket: Socket): void {
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('no connection in time (local.connectTimeoutMs)'), { code: 'ETIMEDOUT' }));
    }, this.settings.connectTimeoutMs);
    this.opening.add(socket);
    socket
      .once('connect', () => {
        clearTimeout(timer);
        this.opened(socket);
      })
      .once('close', () => {
        clearTimeout(timer);
        this.opened(socket);
        this.leave();
      });
  }

  /** The socket of a connection, once it is there. */
  socketOf(client: Client): Socket | undefined {
    return this.sockets.get(client);
  }

  /**
   * The user is done with its connection.
   *
   * @param reusable false for one that undici refused to send on: it takes such a connection for busy for ever
   */
  giveBack(client: Client, reusable: boolean): void {
    this.opening.delete(client);
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

  /** The user is done; to be called once by each that ran, unless {@link giveBack} or {@link track} was. */
  leave(): void {
    if (this.isFull) this.freedAt = performance.now();
    this.active -= 1;
    if (this.waiting.size > 0) this.serve();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.stuckTimer);
    const clients = [...this.clients];
    this.clients.clear();
    this.idle.length = 0;
    this.spare.length = 0;
    await Promise.all(clients.map((client) => client.destroy()));
  }

  private get isFull(): boolean {
    return this.active >= this.settings.maxConnections;
  }

  private mayRun(user: PoolUser): boolean {
    if (this.isFull) return false;
    return (this.idle.length > 0 && !user.opensSocket) || this.opening.size < MAX_OPENING;
  }

  private take(): void {
    this.active += 1;
    if (this.isFull) this.freedAt = performance.now();
  }

  /** In a loop, because who runs may be done at once, and leave again. */
  private serve(): void {
    if (this.serving) return;
    this.serving = true;
    try {
      for (const next of this.waiting) {
        if (!this.mayRun(next)) break;
        this.waiting.delete(next);
        this.take();
        next.run();
      }
    } finally {
      this.serving = false;
    }
  }

  private opened(connection: Client | Socket): void {
    if (this.opening.delete(connection) && this.waiting.size > 0) this.serve();
  }

  /** Until those who wait are refused, if no connection becomes free; ms. */
  private leftMs(): number {
    return this.freedAt + this.settings.queueTimeoutMs - performance.now();
  }

  private watchQueue(): void {
    const { isFull, settings } = this;
    this.stuckTimer ??= setTimeout(this.onStuck, Math.max(isFull ? this.leftMs() : settings.queueTimeoutMs, 20));
  }

  private readonly onStuck = (): void => {
    this.stuckTimer = undefined;
    if (this.waiting.size === 0) return;
    if (!this.isFull || this.leftMs() > 0) {
      this.watchQueue();
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
    const { keepAliveMs } = settings;
    const client = new Client(target.origin, {
      // 0: no connection is used twice.
      pipelining: keepAliveMs === 0 ? 0 : 1,
      keepAliveTimeout: Math.max(1, keepAliveMs),
      keepAliveMaxTimeout: Math.max(1, keepAliveMs),
      // The gateway has the deadlines; ours are only set on request.
      headersTimeout: settings.responseTimeoutMs,
      bodyTimeout: settings.idleTimeoutMs,
      maxHeaderSize: settings.maxHeaderBytes,
      strictContentLength: true,
      allowH2: false,
      connect: (options, callback) => {
        this.connect(options, (...result) => {
          if (result[1] !== null) this.sockets.set(client, result[1]);
          callback(...result);
        });
      },
    });
    client
      .on('connect', () => {
        this.opened(client);
      })
      .on('connectionError', () => {
        this.opened(client);
      })
      .on('disconnect', () => {
        this.onDisconnect(client);
      });
    this.clients.add(client);
    return client;
  }

  /** A free one waits without a connection from now on; one in use is its user's affair. */
  private onDisconnect(client: Client): void {
    const index = this.idle.indexOf(client);
    if (index < 0) return;
    this.idle.splice(index, 1);
    this.spare.push(client);
  }
}
