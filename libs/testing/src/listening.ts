import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A server that listens on 127.0.0.1; its end breaks its connections off. */
export interface Listening<S extends Server = Server> extends AsyncDisposable {
  server: S;
  port: number;
  /** may be called again */
  close: () => Promise<void>;
}

/**
 * Has a server listen on a free port.
 *
 * @param server of any kind that Node has: TCP, TLS, HTTP, HTTP/2
 */
export async function listening<S extends Server>(server: S): Promise<Listening<S>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { server, port: (server.address() as AddressInfo).port, close, [Symbol.asyncDispose]: close };
}
