import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BerthError } from '@berth/errors';
import { endWithError, newRequestId } from '@berth/http-server-pool';
import { clientOf } from './client-connection.js';
import { errorHead, sendError } from './error-responses.js';
import type { IngressContext } from './ingress-context.js';
import { destroySoon } from './linger.js';
import type { Reached } from '../reached.js';

/**
 * Answers a request that never becomes an exchange; the connection ends with it.
 *
 * @param reached `maybe` where that is not certain
 */
export function refuse(
  context: IngressContext,
  request: IncomingMessage,
  response: ServerResponse,
  error: BerthError,
  reached: Reached = 'no',
): void {
  const client = clientOf(request.socket);
  response.once('close', () => {
    client.answered();
  });
  response.shouldKeepAlive = false;
  client.lastAnswer();
  const requestId = newRequestId();
  sendError(response, error, requestId, errorHead(error, reached, context.options.retryAfterSeconds));
  context.answerLog.refused(error, requestId, request);
}

/**
 * The same where there is no response object.
 *
 * @param request undefined when what came was none
 */
export function refuseRaw(context: IngressContext, socket: Duplex, error: BerthError, request?: IncomingMessage): void {
  const requestId = newRequestId();
  endWithError(socket, error, requestId, errorHead(error, 'no', context.options.retryAfterSeconds));
  context.answerLog.refused(error, requestId, request ?? { socket: socket as Socket });
  destroySoon(socket);
}
