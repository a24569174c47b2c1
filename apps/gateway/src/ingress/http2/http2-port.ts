import type { Socket } from 'node:net';
import type { ClientConnection } from '../http/client-connection.js';
import type { IngressContext } from '../http/ingress-context.js';
import type { FloodWatch } from './flood-watch.js';
import { type ConnectionOwner, Http2Connection } from './http2-connection.js';
import type { Http2Options } from './session-options.js';
import type { UploadBudget } from './upload-window.js';

/** The HTTP/2 side of one agent's port. */
export class Http2Port implements ConnectionOwner {
  private readonly connections = new Set<Http2Connection>();

  constructor(
    readonly context: IngressContext,
    readonly http2: Http2Options,
    readonly floods: FloodWatch,
    readonly uploads: UploadBudget,
  ) {}

  /**
   * Serves a connection that speaks HTTP/2 from its first byte.
   *
   * @param socket clear, or with TLS; nobody has read of it, or all of that has been put back
   */
  take(socket: Socket, client: ClientConnection): void {
    if (socket.destroyed) return;
    this.connections.add(new Http2Connection(socket, client, this));
  }

  closed(connection: Http2Connection): void {
    this.connections.delete(connection);
  }

  /** Tells all clients to come again elsewhere; what runs goes on. */
  goAway(): void {
    for (const connection of this.connections) connection.goAway();
  }
}
