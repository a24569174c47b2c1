import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { takeParser } from './take-parser.js';

/** What a client of HTTP/2 with prior knowledge says first (RFC 9113 section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface PrefaceOptions {
  /** takes a connection whose first bytes are the preface; they have been put back */
  http2: (socket: Socket) => void;
  /** for the first bytes, ms */
  timeoutMs: number;
  /** a connection whose first bytes did not come in time */
  late: (socket: Socket) => void;
}

/**
 * Looks at the first bytes of each connection of a server, before Node's parser gets it: HTTP/2 in
 * clear text looks like no HTTP/1.1. Whatever else listens for connections still hears of each at once.
 *
 * @param server as `takeParser` wants it
 */
export function lookForHttp2(server: Server, options: PrefaceOptions): void {
  const parse = takeParser(server, 'connection');
  server.prependListener('connection', (socket: Socket) => new Look(socket, parse, options));
}

class Look {
  private readonly timer: NodeJS.Timeout;
  /** what has come so far, of a preface that is not whole yet */
  private held: Buffer | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly parse: (socket: Socket) => void,
    private readonly options: PrefaceOptions,
  ) {
    this.timer = setTimeout(() => {
      this.finish();
      options.late(socket);
    }, options.timeoutMs);
    this.timer.unref();
    socket.on('readable', this.look);
    socket.on('end', this.left);
    socket.on('error', this.left);
    socket.on('close', this.finish);
  }

  private readonly look = (): void => {
    const { held, options, socket } = this;
    const read = socket.read() as Buffer | null;
    if (read === null) return;
    const bytes = held === undefined ? read : Buffer.concat([held, read]);
    const length = Math.min(bytes.length, PREFACE.length);
    const isPreface = bytes.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (isPreface && length < PREFACE.length) {
      this.held = bytes;
      return;
    }
    this.finish();
    socket.unshift(bytes);
    if (isPreface) options.http2(socket);
    else this.parse(socket);
  };

  /** The client left before it had said anything. */
  private readonly left = (): void => {
    this.finish();
    this.socket.destroy();
  };

  private readonly finish = (): void => {
    const { socket } = this;
    clearTimeout(this.timer);
    socket.off('readable', this.look);
    socket.off('end', this.left);
    socket.off('error', this.left);
    socket.off('close', this.finish);
  };
}
