import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { BerthError, messageOf } from '@berth/errors';

/** Where a server listens. */
export interface BindAddress {
  host: string;
  /** 0 lets the system choose */
  port: number;
}

/** `host:port`, the key of a server in its pool; IPv6 hosts in brackets. */
export function bindKey({ host, port }: BindAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Connections that wait to be accepted; the system may allow fewer. With Node's
 * 511 a thousand clients that come back together wait for TCP's retries, up to 15 s.
 */
const BACKLOG = 4096;

/** How often a server that stops looks for connections whose last request has been answered, ms. */
const IDLE_CHECK_MS = 20;

/**
 * One HTTP server with a life: it listens when `start` resolves, and `stop`
 * ends it within a bound, whatever its clients do.
 */
export class PooledHttpServer {
  /** of its address as clients write it */
  readonly scheme: string = 'http';
  private readonly sockets = new Set<Socket>();
  private startedAtMs: number | undefined;
  private boundPort: number;
  private stopping: Promise<void> | undefined;
  /** told when a running server ends without `stop` (checklist A8) */
  onLost: ((error: Error | undefined) => void) | undefined;

  constructor(
    readonly name: string,
    private readonly address: BindAddress,
    readonly server: Server,
  ) {
    this.boundPort = address.port;
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  get bind(): BindAddress {
    return { host: this.address.host, port: this.boundPort };
  }

  get running(): boolean {
    return this.startedAtMs !== undefined && this.server.listening;
  }

  /** ms since the epoch; undefined when it does not run */
  get startedAt(): number | undefined {
    return this.startedAtMs;
  }

  /**
   * Resolves when the server listens.
   *
   * @throws BerthError `BERTH_SERVER_START_FAILED` with the system's reason
   */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => {
        reject(
          new BerthError(
            'BERTH_SERVER_START_FAILED',
            `cannot listen on ${bindKey(this.address)}: ${messageOf(error)}`,
            {
              cause: error,
            },
          ),
        );
      };
      this.server.once('error', failed);
      this.server.listen({ host: this.address.host, port: this.address.port, backlog: BACKLOG }, () => {
        this.server.off('error', failed);
        resolve();
      });
    });
    this.boundPort = (this.server.address() as AddressInfo).port;
    this.startedAtMs = Date.now();
    this.server.on('error', (error) => {
      this.lost(error);
      this.server.close();
    });
    this.server.once('close', () => {
      this.lost(undefined);
    });
  }

  /**
   * Takes no more connections, lets requests under way end for `graceMs`, then
   * destroys what is left (checklist A6). Idempotent; never rejects.
   */
  stop(graceMs: number): Promise<void> {
    this.stopping ??= this.close(graceMs);
    return this.stopping;
  }

  private lost(fault: Error | undefined): void {
    const wasRunning = this.startedAtMs !== undefined;
    this.startedAtMs = undefined;
    if (wasRunning && this.stopping === undefined) this.onLost?.(fault);
  }

  private async close(graceMs: number): Promise<void> {
    if (this.server.listening) await this.runOut(graceMs);
    for (const socket of this.sockets) socket.destroy();
  }

  private async runOut(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(() => {
        // Upgraded sockets have left the server's own list, so ours is used.
        for (const socket of this.sockets) socket.destroy();
      }, graceMs);
      // Node keeps a connection open whose last answer went out after close().
      const idle = setInterval(() => {
        this.server.closeIdleConnections();
      }, IDLE_CHECK_MS);
      this.server.close(() => {
        clearTimeout(deadline);
        clearInterval(idle);
        resolve();
      });
      // To Node a connection that never sent a byte is not idle; nobody waits for an answer on it.
      for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy();
    });
  }
}
