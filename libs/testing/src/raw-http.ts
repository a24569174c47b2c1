import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { listening } from './listening.js';

/** Everything that one connection of a recorder brought, byte by byte. */
export interface Recorded {
  socket: Socket;
  /** Latin-1 text of all bytes so far */
  text(): string;
}

/** A TCP server that keeps what it gets; it answers what it is told to, and nothing else. */
export interface RawRecorder extends AsyncDisposable {
  port: number;
  connections: Recorded[];
  close(): Promise<void>;
}

/**
 * @param onData called with the connection after each read; writes the answers
 */
export async function rawRecorder(onData: (connection: Recorded) => void = () => undefined): Promise<RawRecorder> {
  const connections: Recorded[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    const connection: Recorded = { socket, text: () => Buffer.concat(chunks).toString('latin1') };
    connections.push(connection);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      onData(connection);
    });
    socket.on('end', () => socket.end());
  });
  const { port, close } = await listening(server);
  return { port, connections, close, [Symbol.asyncDispose]: close };
}

/** A TCP client that sends bytes as they are. */
export class RawClient implements Disposable {
  private readonly chunks: Buffer[] = [];
  ended = false;
  closed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => this.chunks.push(chunk));
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => undefined);
  }

  /** @param options `localAddress`: of 127.0.0.0/8, to come from an address of its own */
  static async connect(
    port: number,
    { allowHalfOpen = true, localAddress = '127.0.0.1' }: { allowHalfOpen?: boolean; localAddress?: string } = {},
  ): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen, localAddress });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Latin-1 text of all that came so far. */
  text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  destroy(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
