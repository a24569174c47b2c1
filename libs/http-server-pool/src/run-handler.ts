import type { IncomingMessage, ServerResponse } from 'node:http';
import { BerthError, errorBody } from '@berth/errors';
import { newRequestId } from './raw-answers.js';

/** Answers a request, now or later: a listener of Node, an Express application, an async function. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Has a handler answer. One that throws, or whose promise fails, costs that request a 500 and nothing else.
 *
 * @param handler without one every request gets a 500 (checklist D12)
 * @param failed told of what was thrown
 */
export function runHandler(
  handler: RequestHandler | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  failed: (error: unknown) => void,
): void {
  if (handler === undefined) {
    answerError(response, 'this server has no handler');
    return;
  }
  const broke = (thrown: unknown): void => {
    failed(thrown);
    if (response.headersSent) response.destroy();
    else answerError(response, 'the handler failed');
  };
  try {
    const result = handler(request, response);
    if (result instanceof Promise) result.catch(broke);
  } catch (thrown) {
    broke(thrown);
  }
}

function answerError(response: ServerResponse, message: string): void {
  const body = JSON.stringify(errorBody(new BerthError('BERTH_INTERNAL', message), newRequestId()));
  response.writeHead(500, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}
