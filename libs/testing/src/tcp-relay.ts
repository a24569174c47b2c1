import { connect, createServer, type Socket } from 'node:net';
import { type Listening, listening } from './listening.js';

/** A TCP relay whose connections can be made to hang. Those that come later are passed on as usual, but for `refuse`. */
export interface TcpRelay extends Listening {
  /** connections that came in, those that have ended included */
  readonly connections: number;
  /** breaks the connections that are there off at both ends, as when a process is killed */
  cut(): void;
  /** breaks them off, and those that come, until {@link mend} */
  refuse(): void;
  /** connections that come are passed on again */
  mend(): void;
  /** what the target says on the connections that are there comes so much later, ms */
  delay(ms: number): void;
  /** reads no more, and writes no more, of the connections that are there; they stay open */
  freeze(): void;
  /**
   * Turns the connections that are there into black holes: whatever either side sends is taken and lost, the end of
   * a side included, as on a link that was cut without a word to either end.
   */
  swallow(): void;
}

/** A relay on a free port of 127.0.0.1 that leads to another port there. */
export async function tcpRelay(target: number): Promise<TcpRelay> {
  const pairs = new Set<Pair>();
  let connections = 0;
  let refuses = false;
  const accept = (client: Socket): void => {
    connections += 1;
    if (refuses) {
      client.resetAndDestroy();
      return;
    }
    const pair = new Pair(client, target, () => pairs.delete(pair));
    pairs.add(pair);
  };
  const relay = await listening(createServer(accept));
  const close = async (): Promise<void> => {
    for (const pair of pairs) pair.destroy();
    await relay.close();
  };
  const cut = (): void => {
    for (const pair of pairs) pair.cut();
  };
  return {
    ...relay,
    close,
    [Symbol.asyncDispose]: close,
    get connections() {
      return connections;
    },
    cut,
    refuse: () => {
      refuses = true;
      cut();
    },
    mend: () => {
      refuses = false;
    },
    delay: (ms) => {
      for (const pair of pairs) pair.delay(ms);
    },
    freeze: () => {
      for (const pair of pairs) pair.freeze();
    },
    swallow: () => {
      for (const pair of pairs) pair.swallow();
    },
  };
}

class Pair {
  private readonly sockets: readonly [Socket, Socket];
  private swallows = false;

  /** @param ended called when both sides have closed */
  constructor(client: Socket, target: number, ended: () => void) {
    const upstream = connect(target, '127.0.0.1');
    this.sockets = [client, upstream];
    for (const [one, other] of [this.sockets, [upstream, client] as const]) {
      one.on('error', () => undefined);
      one.on('close', () => {
        if (!this.swallows) other.destroy();
        if (other.closed) ended();
      });
      one.pipe(other);
    }
  }

  cut(): void {
    for (const socket of this.sockets) if (!socket.destroyed) socket.resetAndDestroy();
  }

  delay(ms: number): void {
    const [client, upstream] = this.sockets;
    upstream.unpipe().resume();
    upstream.on('data', (bytes) => void setTimeout(() => client.write(bytes), ms).unref());
  }

  freeze(): void {
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  swallow(): void {
    this.swallows = true;
    for (const socket of this.sockets) socket.unpipe().resume();
  }

  destroy(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
