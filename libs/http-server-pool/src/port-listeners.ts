import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { AgentTraffic } from './agent-http-server.factory.js';
import { claimedEnds, claimEnds } from './claimed-ends.js';
import { answerClearText } from './clear-text-answer.js';
import { lookAtFirstBytes } from './first-bytes.js';
import { judgePreface } from './http2-preface.js';
import { acceptAllVersions } from './minor-versions.js';
import type { ConnectionEnds } from './proxy-header.js';
import { takeListener } from './take-listener.js';
import { tlsFailureOf } from './tls-failure.js';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** Without TLS: HTTP/1, and HTTP/2 with prior knowledge where the port allows that. */
export function clearServer(
  options: ServerOptions & { headersTimeout: number },
  traffic: AgentTraffic,
  handle: Handle,
): Server {
  const { clearHttp2 = false, http2 } = traffic;
  const server = createServer(options, handle);
  acceptAllVersions(server);
  const parse = takeListener(server, 'connection');
  const begin = (socket: Socket): void => {
    if (clearHttp2 && http2 !== undefined) {
      lookAtFirstBytes(socket, {
        timeoutMs: options.headersTimeout,
        judge: (bytes) => judgePreface(bytes, http2.bind(undefined, socket), parse.bind(undefined, socket)),
        late: () => {
          traffic.clientError(
            Object.assign(new Error('no request came'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
            socket,
          );
        },
      });
    } else parse(socket);
    traffic.connection(socket);
  };
  server.on('connection', (socket: Socket) => {
    if (traffic.gate === undefined) begin(socket);
    else traffic.gate(socket, () => begin(socket));
  });
  return server;
}

/** With TLS: connections pass their handshake first, and then go where their client wanted by ALPN. */
export function secureServer(
  options: ServerOptions & TlsOptions & { headersTimeout: number },
  traffic: AgentTraffic,
  handle: Handle,
): Server {
  const { http2 } = traffic;
  const own: TlsOptions & { noDelay: boolean; allowHalfOpen: boolean } = {
    ALPNProtocols: http2 === undefined ? ['http/1.1'] : ['h2', 'http/1.1'],
    handshakeTimeout: options.headersTimeout,
    // The end of a client's half is its end: a handshake that it leaves would wait for its timeout otherwise.
    allowHalfOpen: false,
    noDelay: true,
  };
  const server: Server = createSecureServer({ ...options, ...own }, handle);
  acceptAllVersions(server, 'secureConnection');
  const parse = takeListener(server, 'secureConnection');
  const shake = takeListener(server, 'connection');
  const claims = new Claims();
  const begin = (socket: Socket): void => {
    shake(socket);
    traffic.accepted?.(socket);
  };
  server.on('connection', (socket: Socket) => {
    const { gate } = traffic;
    if (gate === undefined) {
      begin(socket);
      return;
    }
    const key = keyOf(socket);
    gate(socket, () => {
      claims.keep(key, socket);
      begin(socket);
    });
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    claims.passOn(socket);
    traffic.connection(socket);
    if (socket.destroyed) return;
    if (socket.alpnProtocol === 'h2') http2?.(socket);
    else parse(socket);
  });
  // Node would take a failed handshake for a request that cannot be read.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (error: Error & { code?: string }, socket: TLSSocket) => {
    traffic.tlsFailed?.(tlsFailureOf(error, socket));
    if (error.code === 'ERR_SSL_HTTP_REQUEST') answerClearText(socket);
    else socket.destroy();
  });
  return server;
}

/** The ends that proxies name for connections in their handshake: after it, a connection is another object. */
class Claims {
  private readonly known = new Map<string, ConnectionEnds>();

  /** @param key of the connection as it came */
  keep(key: string, socket: Socket): void {
    const ends = claimedEnds(socket);
    if (ends === undefined) return;
    this.known.set(key, ends);
    socket.once('close', () => this.known.delete(key));
  }

  passOn(socket: TLSSocket): void {
    if (this.known.size === 0) return;
    const ends = this.known.get(keyOf(socket));
    if (ends !== undefined) claimEnds(socket, ends);
  }
}

/** A connection by its own ends. */
function keyOf({ localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
