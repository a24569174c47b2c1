import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { AgentTraffic } from './agent-http-server.factory.js';
import { answerClearText } from './clear-text-answer.js';
import { lookForHttp2 } from './http2-preface.js';
import { acceptAllVersions } from './minor-versions.js';
import { takeParser } from './take-parser.js';
import { tlsFailureOf } from './tls-failure.js';

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** Without TLS: HTTP/1, and HTTP/2 with prior knowledge where the port allows that. */
export function clearServer(
  options: ServerOptions & { headersTimeout: number },
  traffic: AgentTraffic,
  handle: Handle,
): Server {
  const { http2 } = traffic;
  const server = createServer(options, handle);
  acceptAllVersions(server);
  if (traffic.clearHttp2 === true && http2 !== undefined) {
    const late = (socket: Duplex): void => {
      traffic.clientError(Object.assign(new Error('no request came'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    };
    lookForHttp2(server, { http2, timeoutMs: options.headersTimeout, late });
  }
  server.on('connection', (socket: Duplex) => {
    traffic.connection(socket);
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
  const parse = takeParser(server, 'secureConnection');
  server.on('secureConnection', (socket: TLSSocket) => {
    traffic.connection(socket);
    if (socket.destroyed) return;
    if (socket.alpnProtocol === 'h2') http2?.(socket);
    else parse(socket);
  });
  server.on('connection', (socket: Socket) => {
    traffic.accepted?.(socket);
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
