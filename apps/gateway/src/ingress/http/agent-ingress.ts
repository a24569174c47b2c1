import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BerthError } from '@berth/errors';
import type { AgentTraffic, TlsFailure } from '@berth/http-server-pool';
import { countUp } from '@berth/observability';
import { isForeignCertificate } from '../../certificates/index.js';
import type { ClientLimits } from '../client-limits.js';
import type { Http2Port } from '../http2/http2-port.js';
import type { Gate } from '../proxy-gate.js';
import type { Reached } from '../reached.js';
import { clientOf, trackClient } from './client-connection.js';
import { relayRequest } from './http-relay.js';
import type { IngressContext } from './ingress-context.js';
import { beginMiddleware, endMiddleware } from './in-middleware.js';
import { refuse, refuseRaw } from './refusal.js';
import { isUpgrade, parserError } from './request-head.js';
import { relayUpgrade } from './upgrade-relay.js';

/** Everything that arrives at one agent's port (checklist A9). */
export class AgentIngress implements AgentTraffic {
  readonly http2: ((socket: Duplex) => void) | undefined;
  /** as the policy of the port says */
  gate: Gate | undefined;
  /** connections one too many, by their address: their handshake is not over */
  private readonly refused = new Map<string, BerthError>();

  /** @param http2 serves connections of HTTP/2; undefined where the port speaks HTTP/1 alone */
  constructor(
    private readonly context: IngressContext,
    private readonly limits: ClientLimits,
    http2?: Http2Port,
    readonly clearHttp2 = false,
  ) {
    if (http2 === undefined) return;
    this.http2 = (socket) => {
      http2.take(socket as Socket, clientOf(socket));
    };
  }

  /** Counted before its handshake: that costs more than a request. */
  accepted(socket: Socket): void {
    const refusal = this.limits.admit(socket);
    if (refusal === undefined) return;
    const peer = peerOf(socket);
    this.refused.set(peer, refusal);
    socket.once('close', () => this.refused.delete(peer));
  }

  tlsFailed(why: TlsFailure): void {
    countUp(this.context.service.stats.tlsFailures, why);
  }

  connection(socket: Duplex): void {
    const { options, pipelined } = this.context;
    const client = trackClient(socket, options.halfCloseGraceMs, pipelined);
    const isSecure = options.tls.enabled;
    client.refusal = isSecure ? this.refused.get(peerOf(socket as Socket)) : this.limits.admit(socket as Socket);
    if (isSecure && isForeignCertificate(socket)) socket.destroy();
  }

  request(
    request: IncomingMessage,
    response: ServerResponse,
    middleware?: (request: IncomingMessage, response: ServerResponse) => void,
  ): void {
    const client = clientOf(request.socket);
    client.enqueue(() => {
      try {
        // Within its turn: with requests that overtake each other, pipelined answers would wait for each other.
        if (middleware === undefined || client.refusal !== undefined)
          relayRequest(this.context, client, request, response);
        else beginMiddleware(client, request, response, middleware);
      } catch (thrown) {
        this.fault(thrown, request, response);
      }
    });
    if (client.declined !== request) return;
    // Node has lost what came behind it in the same read, so the next bytes may begin anywhere.
    response.shouldKeepAlive = false;
    client.takeNoMore();
  }

  passed(request: IncomingMessage, response: ServerResponse): void {
    // What answered as well ends the answer itself; false: handed on twice.
    if (response.headersSent || request.socket.destroyed || !endMiddleware(request)) return;
    try {
      relayRequest(this.context, clientOf(request.socket), request, response);
    } catch (thrown) {
      this.fault(thrown, request, response);
    }
  }

  upgrades(request: IncomingMessage): boolean {
    if (isUpgrade(request)) return true;
    clientOf(request.socket).declined = request;
    return false;
  }

  upgrade(request: IncomingMessage, socket: Duplex, early: Buffer): void {
    // Before anything else: nobody else listens for errors of an upgraded socket.
    socket.on('error', () => socket.destroy());
    if (request.method === 'CONNECT') {
      clientOf(socket).enqueue(() => {
        const error = new BerthError('BERTH_METHOD_NOT_ALLOWED', 'this port is not a forward proxy');
        refuseRaw(this.context, socket, error, request);
      });
      return;
    }
    clientOf(socket).enqueue(() => {
      relayUpgrade(this.context, request, socket as Socket, early);
    });
  }

  clientError(error: Error & { code?: string }, socket: Duplex): void {
    const client = clientOf(socket);
    // The parser complains again about each further read; and what follows the last answer is nobody's.
    if (client.broken !== undefined || client.closing) return;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    // Its answer has left already: there is nothing to say about the rest of it.
    if (client.current === undefined && client.unread?.complete === false) {
      socket.destroy();
      return;
    }
    const refusal = parserError(error);
    client.broken = refusal;
    if (client.current?.requestBroken(refusal) === true) return;
    // Requests before it were well formed, and get their answers first.
    client.enqueue(() => {
      if (socket.writable) refuseRaw(this.context, socket, refusal);
    });
  }

  middlewareFailed(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (endMiddleware(request)) this.fault(error, request, response, 'no');
    // The request is in other hands already, or answered.
    else
      this.context.log.error({ agentId: this.context.service.id, err: error }, 'a middleware failed behind a request');
  }

  // ---------------------------------------------------------------------------

  private fault(error: unknown, request: IncomingMessage, response: ServerResponse, reached: Reached = 'maybe'): void {
    this.context.log.error({ agentId: this.context.service.id, err: error }, 'a request could not be handled');
    if (response.headersSent) response.destroy();
    else refuse(this.context, request, response, BerthError.from(error), reached);
  }
}

/** Address and port: with TLS, a connection is another object after its handshake. */
function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
