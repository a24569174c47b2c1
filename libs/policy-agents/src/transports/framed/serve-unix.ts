import { createServer, type Socket } from 'node:net';
import type { AgentHost, AgentServer, ProxyLink } from '../../link.js';
import { versionFault } from '../../wire/handshake.js';
import { FrameType } from '../../wire/shapes/frame-types.js';
import { firstFrame, handshakeFrame } from './first-frames.js';
import { chosenDialect, readHello, replyFields } from './framed-handshake.js';
import { FramedProxyLink } from './framed-link.js';
import { closeListener, listenOn } from './listen.js';

export interface UnixServeOptions {
  /** of the socket; it is only for this user (mode 0600) */
  readonly path: string;
  readonly host: AgentHost;
  /** for a proxy's first frame, ms; default 10 s */
  readonly handshakeTimeoutMs?: number | undefined;
  /** connections at once; default 256 */
  readonly maxConnections?: number | undefined;
  /** told of proxies that could not be served, for a log */
  readonly refused?: ((remote: string, thrown: unknown) => void) | undefined;
}

/**
 * An agent that listens on a unix socket, for any number of proxies.
 *
 * @throws Error of the system (as a rejection) when it cannot listen
 */
export async function serveUnix(options: UnixServeOptions): Promise<AgentServer> {
  const { path, maxConnections = 256, refused } = options;
  const remote = `unix:${path}`;
  const links = new Set<ProxyLink>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    takeProxy(socket, remote, options).then(
      (link) => {
        if (link === undefined) return;
        links.add(link);
        socket.once('close', () => links.delete(link));
      },
      (thrown: unknown) => {
        socket.destroy();
        refused?.(remote, thrown);
      },
    );
  });
  server.maxConnections = maxConnections;
  await listenOn(server, { path });
  return {
    address: remote,
    close: () => {
      for (const link of links) link.close();
      return closeListener(server, sockets);
    },
  };
}

async function takeProxy(socket: Socket, remote: string, options: UnixServeOptions): Promise<ProxyLink | undefined> {
  const { host, handshakeTimeoutMs = 10_000 } = options;
  const { channel, fields } = await firstFrame(socket, remote, FrameType.handshakeRequest, {
    timeoutMs: handshakeTimeoutMs,
  });
  const request = readHello(fields);
  const dialect = chosenDialect(fields);
  const fault = versionFault(request);
  const outcome = fault ?? host.capabilities();
  channel.write(handshakeFrame(FrameType.handshakeResponse, replyFields(outcome, dialect)));
  if (fault !== undefined) {
    channel.close();
    return undefined;
  }
  const link = new FramedProxyLink('unix', channel, dialect, request.hello);
  host.linked(link);
  return link;
}
