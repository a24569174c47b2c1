import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BerthError, messageOf } from '@berth/errors';
import type { AgentTraffic } from '@berth/http-server-pool';
import { ExchangeKind, type OpenHead } from '@berth/exchange';
import { clientAddress } from '../client-address.js';
import { type ClientConnection, clientOf, trackClient } from './client-connection.js';
import type { ClientLimits } from '../client-limits.js';
import { newRequestId, sendError, sendRawAnswer, sendRawError } from './error-responses.js';
import { HttpRelay } from './http-relay.js';
import type { IngressContext } from '../ingress-context.js';
import { checkIntercepted } from '../intercepted.js';
import type { IngressAnswer, IngressRequest } from '../interceptor.js';
import { beginMiddleware, endMiddleware } from './in-middleware.js';
import { isUpgrade, parserError, readRequestHead } from './request-head.js';
import { UpgradeRelay } from './upgrade-relay.js';

/** Everything that arrives at one agent's port (checklist A9). */
export class AgentIngress implements AgentTraffic {
  constructor(
    private readonly context: IngressContext,
    private readonly limits: ClientLimits,
  ) {}

  connection(socket: Duplex): void {
    const { options, pipelined } = this.context;
    const client = trackClient(socket, options.halfCloseGraceMs, pipelined);
    client.refusal = this.limits.admit(socket as Socket);
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
        if (middleware === undefined || client.refusal !== undefined) this.relay(request, response);
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
      this.relay(request, response);
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
        this.refuseRaw(socket, new BerthError('BERTH_METHOD_NOT_ALLOWED', 'this port is not a forward proxy'), request);
      });
      return;
    }
    clientOf(socket).enqueue(() => {
      this.relayUpgrade(request, socket as Socket, early);
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
      if (socket.writable) this.refuseRaw(socket, refusal);
    });
  }

  failed(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (endMiddleware(request)) this.fault(error, request, response);
    // The request is in other hands already, or answered.
    else this.context.log.error({ agentId: this.context.agent.id, err: error }, 'a middleware failed behind a request');
  }

  // ---------------------------------------------------------------------------

  private fault(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    this.context.log.error({ agentId: this.context.agent.id, err: error }, 'a request could not be handled');
    if (response.headersSent) response.destroy();
    else this.refuse(request, response, BerthError.from(error));
  }

  private relay(request: IncomingMessage, response: ServerResponse): void {
    const client = clientOf(request.socket);
    const head = obstacle(client, request) ?? readRequestHead(request, false, this.context.options);
    if (head instanceof BerthError) {
      this.refuse(request, response, head);
      return;
    }
    const open: OpenHead = {
      kind: ExchangeKind.http,
      method: request.method as string,
      target: request.url as string,
      headers: head.headers,
      body: head.chunked || (head.contentLength ?? 0) > 0,
    };
    if (this.context.interceptors.length === 0) {
      new HttpRelay(this.context, client, request, response, open, undefined).begin();
      return;
    }
    const seen = this.describe(open, request);
    client.current = { clientGone: () => request.socket.destroy(), requestBroken: () => false };
    void this.intercept(seen)
      .then((answer) => {
        if (request.socket.destroyed) return;
        if (client.broken !== undefined && !request.complete) this.refuse(request, response, client.broken);
        else if (answer instanceof BerthError) this.refuse(request, response, answer);
        else if (answer !== undefined) {
          if (!request.complete) endAfter(request, response);
          response.once('close', () => client.answered());
          sendAnswer(response, answer);
        } else {
          const { method, target, headers } = seen;
          new HttpRelay(this.context, client, request, response, { ...open, method, target, headers }, seen).begin();
        }
      })
      .catch((thrown: unknown) => {
        this.fault(thrown, request, response);
      });
  }

  private relayUpgrade(request: IncomingMessage, socket: Socket, early: Buffer): void {
    const head = clientOf(socket).refusal ?? readRequestHead(request, true, this.context.options);
    if (head instanceof BerthError) {
      this.refuseRaw(socket, head, request);
      return;
    }
    const open: OpenHead = {
      kind: ExchangeKind.upgrade,
      method: request.method as string,
      target: request.url as string,
      headers: head.headers,
      body: true,
    };
    const start = (): void => {
      const relay = new UpgradeRelay(this.context, request, socket, early, open);
      clientOf(socket).current = relay;
      relay.begin();
    };
    if (this.context.interceptors.length === 0) {
      start();
      return;
    }
    const seen = this.describe(open, request);
    void this.intercept(seen)
      .then((answer) => {
        if (socket.destroyed) return;
        if (answer instanceof BerthError) this.refuseRaw(socket, answer, request);
        else if (answer !== undefined) {
          sendRawAnswer(socket, answer.status, answer.headers ?? [], answer.body ?? '');
          destroySoon(socket);
        } else {
          Object.assign(open, { method: seen.method, target: seen.target, headers: seen.headers });
          start();
        }
      })
      .catch((thrown: unknown) => {
        this.context.log.error({ agentId: this.context.agent.id, err: thrown }, 'an upgrade could not be handled');
        socket.destroy();
      });
  }

  private describe(open: OpenHead, request: IncomingMessage): IngressRequest {
    return {
      agentId: this.context.agent.id,
      kind: open.kind === ExchangeKind.upgrade ? 'upgrade' : 'http',
      method: open.method,
      target: open.target,
      headers: open.headers,
      remoteAddress: clientAddress(request.socket.remoteAddress),
    };
  }

  private async intercept(seen: IngressRequest): Promise<IngressAnswer | BerthError | undefined> {
    try {
      for (const interceptor of this.context.interceptors) {
        const answer = await interceptor.onRequest?.(seen);
        if (answer !== undefined) return answer;
      }
      checkIntercepted(seen);
      return undefined;
    } catch (thrown) {
      this.context.log.error({ agentId: seen.agentId, err: thrown }, `an interceptor failed: ${messageOf(thrown)}`);
      return BerthError.from(thrown);
    }
  }

  private refuse(request: IncomingMessage, response: ServerResponse, error: BerthError): void {
    const client = clientOf(request.socket);
    response.once('close', () => {
      client.answered();
    });
    endAfter(request, response);
    const requestId = newRequestId();
    sendError(response, error, requestId, this.context.options.retryAfterSeconds);
    this.context.answerLog.answered(error, requestId, request);
  }

  private refuseRaw(socket: Duplex, error: BerthError, request?: IncomingMessage): void {
    const requestId = newRequestId();
    sendRawError(socket, error, requestId, this.context.options.retryAfterSeconds);
    this.context.answerLog.answered(error, requestId, request);
    destroySoon(socket);
  }
}

/** Why a request is not even looked at. */
function obstacle(client: ClientConnection, request: IncomingMessage): BerthError | undefined {
  if (client.refusal !== undefined) return client.refusal;
  return request.complete ? undefined : client.broken;
}

/** The rest of what the client sends is not read; it gets the time to read the answer. */
function destroySoon(socket: Duplex): void {
  setTimeout(() => socket.destroy(), 1000).unref();
}

/** Lets the connection end with this answer. */
function endAfter(request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  clientOf(request.socket).lastAnswer();
}

function sendAnswer(response: ServerResponse, answer: IngressAnswer): void {
  const body = answer.body ?? '';
  const headers = [...(answer.headers ?? []), 'Content-Length', String(Buffer.byteLength(body))];
  response.writeHead(answer.status, headers);
  response.end(body);
}
