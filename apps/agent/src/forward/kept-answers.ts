import type { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

/** The connection was gone before a byte of the request could be written to it. */
export class NothingSentError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** What differs between a connection that is used again and one that serves a single exchange. */
export interface Reuse {
  /** whether a written piece begins a request, on a connection that may have served others before */
  beginsRequest(piece: unknown): boolean;
  /** a write has failed: no other request may come over this connection */
  retire(): void;
}

/**
 * Lets a service be heard that answers before it has read the whole request
 * and then closes. What it still gets makes its kernel reset the connection,
 * and Node destroys a socket whose write fails, although the answer waits in
 * the kernel's buffer. Here a failed write is never called back: nothing more
 * is written, and the socket is read on until its end, which always follows
 * (RFC 9112 section 9.6).
 *
 * A request of which nothing was written has no answer: its write fails with
 * {@link NothingSentError}, so that it may be sent again whatever it asks for.
 *
 * @param reuse undefined for the socket of a single exchange
 */
export function keepAnswers(socket: Socket, reuse?: Reuse): void {
  new GuardedWrites(socket, reuse);
}

/** One per socket, and no closure per write: a stream has one write under way at a time. */
class GuardedWrites {
  private piece: unknown;
  private done: Done = nothing;
  private within = false;

  constructor(
    private readonly socket: Socket,
    private readonly reuse: Reuse | undefined,
  ) {
    const write = socket._write.bind(socket);
    const writeAll = socket._writev?.bind(socket);
    socket._write = (piece: unknown, encoding, done) => {
      this.begin(piece, done);
      write(piece, encoding, this.written);
      this.within = false;
    };
    socket._writev = (pieces, done) => {
      this.begin(pieces[0]?.chunk, done);
      writeAll?.(pieces, this.written);
      this.within = false;
    };
  }

  private begin(piece: unknown, done: Done): void {
    this.piece = piece;
    this.done = done;
    this.within = true;
  }

  private readonly written: Done = (error) => {
    const { piece, done, within, reuse } = this;
    this.piece = undefined;
    if (!isBroken(error)) done(error);
    // What fails within its own call was not taken by the kernel, not even in part.
    else if (within && reuse?.beginsRequest(piece)) done(new NothingSentError(error));
    else this.readOn(error);
  };

  private readOn(error: NodeJS.ErrnoException): void {
    const { socket } = this;
    this.reuse?.retire();
    if (socket.readableEnded) {
      // A pipe whose service has ended its half before: there is nothing more to read.
      socket.destroy(error);
      return;
    }
    // EPIPE: the service's FIN came before its reset, and is still to be read. Otherwise the failed write has used
    // the reset up, and what is left looks like an orderly end: nobody may take it for one.
    const orderly = error.code === 'EPIPE';
    if (!orderly) socket.removeAllListeners('end');
    // Its other half would wait for ever for the write.
    socket.on('end', () => socket.destroy(orderly ? undefined : error));
  }
}

function isBroken(error: Error | null | undefined): error is NodeJS.ErrnoException {
  if (error === null || error === undefined || !('code' in error)) return false;
  return error.code === 'EPIPE' || error.code === 'ECONNRESET';
}

const nothing = (): void => undefined;
