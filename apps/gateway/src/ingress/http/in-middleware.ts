import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientConnection, clientOf, type PendingAnswer } from './client-connection.js';

/** A request that middleware of the port looks at, or answers by itself. */
class InMiddleware implements PendingAnswer {
  constructor(private readonly request: IncomingMessage) {}

  clientGone(): void {
    this.request.socket.destroy();
  }

  requestBroken(): boolean {
    return false;
  }
}

/** Runs middleware in the request's turn. What it answers by itself ends that turn. */
export function beginMiddleware(
  client: ClientConnection,
  request: IncomingMessage,
  response: ServerResponse,
  middleware: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  const pending = new InMiddleware(request);
  client.current = pending;
  response.once('close', () => {
    if (client.current !== pending) return;
    // Node reads to nowhere what still comes of the body.
    client.unread = request;
    client.answered();
  });
  middleware(request, response);
}

/** @returns whether middleware had the request until now; whoever asks is to answer it */
export function endMiddleware(request: IncomingMessage): boolean {
  const client = clientOf(request.socket);
  if (!(client.current instanceof InMiddleware)) return false;
  client.current = undefined;
  return true;
}
