import { connect, createServer, type Socket } from 'node:net';
import type { TcpAddress } from './bind-address.js';
import type { OpenSockets } from './open-sockets.js';
import { peerAddress } from './peer-address.js';
import { PooledServer, type ServerLifeOptions } from './pooled-server.js';
import { targetOf } from './probe.js';

/** Silence after which the system asks a peer whether it is still there, ms. */
const KEEPALIVE_MS = 60_000;

/** A probe under way: what its connection is known by where it is accepted. */
interface Probe {
  readonly socket: Socket;
  /** of the server, as the probe connects to it */
  address: string | undefined;
  readonly accepted: () => void;
}

/**
 * A server of raw TCP with a life. Both halves of its connections end independently; those that are open when it stops
 * have the grace to end, and are reset then: an end in order would tell clients that they have got everything.
 */
export class PooledTcpServer extends PooledServer {
  private readonly probes = new Set<Probe>();

  /** @param take called with each connection, never with that of a probe; listens for its errors */
  constructor(name: string, address: TcpAddress, take: (socket: Socket) => void, options: ServerLifeOptions = {}) {
    const server = createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_MS,
    });
    super(name, 'tcp', address, server, options);
    server.on('connection', (socket) => {
      if (this.probes.size > 0 && this.isProbe(socket)) return;
      this.counted += 1;
      this.took(socket);
      take(socket);
    });
  }

  /** Connects, and has to be accepted. The connection is recognised by its addresses, and nobody else hears of it. */
  probe(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...targetOf(this.bind), autoSelectFamily: false });
      const probe: Probe = { socket, address: undefined, accepted: resolve };
      this.probes.add(probe);
      const deadline = setTimeout(() => {
        socket.destroy(new Error(`no connection was accepted within ${timeoutMs} ms`));
      }, timeoutMs);
      socket.once('connectionAttempt', (address: string) => (probe.address = address));
      socket.once('error', reject);
      socket.once('close', () => {
        clearTimeout(deadline);
        this.probes.delete(probe);
        // Nothing, after it was accepted.
        reject(new Error('the connection was closed'));
      });
    });
  }

  protected runOut(sockets: OpenSockets, graceMs: number): Promise<void> {
    return sockets.end(graceMs);
  }

  /** As often as not it is accepted before the probe hears that it stands. */
  private isProbe(socket: Socket): boolean {
    const from = peerAddress(socket.remoteAddress);
    const to = peerAddress(socket.localAddress);
    for (const probe of this.probes) {
      if (probe.address === undefined || peerAddress(probe.address) !== to) continue;
      if (probe.socket.localPort !== socket.remotePort || peerAddress(probe.socket.localAddress) !== from) continue;
      socket.on('error', () => undefined);
      socket.destroy();
      probe.accepted();
      // With a FIN each probe would leave a port behind that waits.
      probe.socket.resetAndDestroy();
      return true;
    }
    return false;
  }
}
