import { createServer, type Server, type Socket } from 'node:net';
import { BerthError, messageOf } from '@berth/errors';
import { type BindAddress, bindKey } from '@berth/http-server-pool';
import type { PortServer } from '../../ports/index.js';

/** Connections that wait to be accepted, as many as at an HTTP port. */
const BACKLOG = 4096;

/** Silence after which the system asks a peer whether it is still there, ms. */
const KEEPALIVE_MS = 60_000;

/** What listens on a raw TCP port. Both halves of its connections end independently. */
export class TcpPortServer implements PortServer {
  readonly scheme = 'tcp';
  onLost: ((error: Error | undefined) => void) | undefined;
  /** called when it listens */
  onStarted: (() => void) | undefined;
  /** called when nothing is left of it */
  onStopped: (() => void) | undefined;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private startedAtMs: number | undefined;
  private stopping: Promise<void> | undefined;

  /** @param take called with each connection; listens for its errors */
  constructor(
    private readonly address: BindAddress,
    take: (socket: Socket) => void,
  ) {
    const options = {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_MS,
    };
    this.server = createServer(options, (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      take(socket);
    });
  }

  get running(): boolean {
    return this.startedAtMs !== undefined && this.server.listening;
  }

  get startedAt(): number | undefined {
    return this.startedAtMs;
  }

  /** @throws BerthError `BERTH_SERVER_START_FAILED` with the system's reason */
  async start(): Promise<void> {
    const { address, server } = this;
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: Error): void => {
        const message = `cannot listen on ${bindKey(address)}: ${messageOf(cause)}`;
        reject(new BerthError('BERTH_SERVER_START_FAILED', message, { cause }));
      };
      server.once('error', failed);
      server.listen({ ...address, backlog: BACKLOG }, () => {
        server.off('error', failed);
        resolve();
      });
    });
    this.startedAtMs = Date.now();
    this.onStarted?.();
    server.on('error', (error) => {
      this.lost(error);
      server.close();
    });
    server.once('close', () => {
      this.lost(undefined);
    });
  }

  /** Takes no more connections, lets those that are there run for `graceMs`, then resets what is left. Idempotent. */
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
    if (this.server.listening) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(this.cutOff, graceMs);
        this.server.close(() => {
          clearTimeout(deadline);
          resolve();
        });
      });
    }
    this.cutOff();
    this.onStopped?.();
  }

  /** An end in order would tell clients that they have got everything. */
  private readonly cutOff = (): void => {
    for (const socket of this.sockets) socket.resetAndDestroy();
  };
}
