import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** On which Node makes the parser of a connection: the latter with TLS. */
export type Arrival = 'connection' | 'secureConnection';

/**
 * Takes Node's own listener off a server, so that others may have a connection first.
 *
 * @param server nobody but Node and `acceptAllVersions` listens for its connections yet
 * @returns gives a connection to Node's parser after all
 */
export function takeParser(server: Server, arrives: Arrival): (socket: Socket) => void {
  const parsers = server.listeners(arrives) as ((this: Server, socket: Socket) => void)[];
  for (const parser of parsers) server.removeListener(arrives, parser);
  return (socket) => {
    for (const parser of parsers) parser.call(server, socket);
  };
}
