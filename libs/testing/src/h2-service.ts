import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import { type Listening, listening } from './listening.js';

/** Takes a stream; `raw` is its head as received. */
export type H2Listener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]) => void;

/** A service of HTTP/2 without TLS, and what it has seen. */
export interface H2Service extends Listening<Http2Server> {
  readonly sessions: readonly ServerHttp2Session[];
}

/** A service of HTTP/2 in clear, with prior knowledge. */
export async function h2Service(listener: H2Listener, options: ServerOptions = {}): Promise<H2Service> {
  const server = createServer(options);
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    stream.on('error', () => undefined);
    listener(stream, headers, raw);
  });
  server.on('sessionError', () => undefined);
  return { ...(await listening(server)), sessions };
}
