import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';

/** How often idle connections are looked for while a server runs out, ms. */
const IDLE_CHECK_MS = 20;

/** The connections that a server accepted since it listens. Upgraded sockets leave Node's own list; here they stay. */
export class OpenSockets {
  private readonly sockets = new Set<Socket>();
  private readonly waiters = new Set<() => void>();

  get size(): number {
    return this.sockets.size;
  }

  add(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      if (this.sockets.size > 0) return;
      for (const emptied of this.waiters) emptied();
      this.waiters.clear();
    });
  }

  /**
   * Resolves when all are closed: at their end, or when the grace is over.
   *
   * @param server takes no more connections
   * @param graceMs for requests under way, ms
   */
  async runOut(server: HttpServer, graceMs: number): Promise<void> {
    if (this.sockets.size === 0) return;
    // Node keeps a connection open whose last answer went out after close().
    const idle = setInterval(() => {
      // One that listens again has idle connections that are wanted.
      if (!server.listening) server.closeIdleConnections();
    }, IDLE_CHECK_MS);
    // To Node a connection that never sent a byte is not idle; nobody waits for an answer on it.
    for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy();
    await this.closed(graceMs, (socket) => socket.destroy());
    clearInterval(idle);
  }

  /**
   * The same for raw TCP, where silence means nothing: what is left after the grace is reset.
   *
   * @param graceMs for what is under way, ms
   */
  end(graceMs: number): Promise<void> {
    return this.closed(graceMs, (socket) => socket.resetAndDestroy());
  }

  private closed(graceMs: number, cut: (socket: Socket) => void): Promise<void> {
    if (this.sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        this.sockets.forEach(cut);
      }, graceMs);
      this.waiters.add(() => {
        clearTimeout(deadline);
        resolve();
      });
    });
  }
}
