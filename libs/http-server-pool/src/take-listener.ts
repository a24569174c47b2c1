import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** On which Node makes the parser of a connection: the latter with TLS, where the former begins its handshake. */
export type Arrival = 'connection' | 'secureConnection';

/**
 * Takes Node's own listener off a server, so that others may have a connection first.
 *
 * @param server nobody but Node and `acceptAllVersions` listens for its connections yet
 * @returns gives a connection to Node after all
 */
export function takeListener(server: Server, arrives: Arrival): (socket: Socket) => void {
  const own = server.listeners(arrives) as ((this: Server, socket: Socket) => void)[];
  for (const each of own) server.removeListener(arrives, each);
  return (socket) => {
    for (const each of own) each.call(server, socket);
  };
}
