import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { keepAnswers } from './kept-answers.js';

/** What is used of undici's HTTP/1.1 parser; one belongs to each connection. */
interface Parser {
  statusCode: number;
  headers: Buffer[];
  headersSize: number;
  onHeadersComplete(status: number, upgrade: boolean, shouldKeepAlive: boolean): number;
}

// undici's own marks on its sockets. The version is pinned; the tests of the agent cover each repair.
const { kParser, kReset } = createRequire(import.meta.url)('undici/lib/core/symbols.js') as {
  kParser: symbol;
  kReset: symbol;
};

/** For llhttp: this message has no body. */
const SKIP_BODY = 1;

/** To be called before undici knows the socket: its listeners must come after these. */
export function repairSocket(socket: Socket): void {
  keepAnswers(socket, {
    // The lines of a chunked body begin with the end of the line before.
    beginsRequest: (piece) => typeof piece === 'string' && !piece.startsWith('\r'),
    retire: () => {
      Object.assign(socket, { [kReset]: true });
    },
  });
  // undici takes ECONNRESET for the end of a body that has no other (RFC 9112 section 8).
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET';
  });
}

/**
 * To be called once undici has the socket: a `100 Continue` that nobody asked
 * for is skipped, where undici ends the connection (RFC 9110 section 15.2).
 */
export function skipContinue(socket: Socket): void {
  const parser = (socket as Socket & Record<symbol, Parser | null>)[kParser];
  if (!parser) return;
  const onHeadersComplete = parser.onHeadersComplete.bind(parser);
  parser.onHeadersComplete = (status, upgrade, shouldKeepAlive) => {
    if (status !== 100) return onHeadersComplete(status, upgrade, shouldKeepAlive);
    parser.statusCode = status;
    parser.headers = [];
    parser.headersSize = 0;
    return SKIP_BODY;
  };
}
