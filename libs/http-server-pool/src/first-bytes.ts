import type { Socket } from 'node:net';

/** What a look at the first bytes of a connection came to. */
export interface Verdict {
  /** bytes at the start that nobody else is to see */
  taken: number;
  /** called when all others have been put back; from then on the connection is somebody else's */
  next: () => void;
}

export interface LookOptions {
  /** for the first bytes, ms */
  timeoutMs: number;
  /** @returns undefined when it takes more bytes to tell; it is asked again with all of them */
  judge: (bytes: Buffer) => Verdict | undefined;
  /** the bytes did not come in time; so many have been read, and are lost */
  late: (seen: number) => void;
}

/**
 * Looks at the first bytes of a connection before whoever serves it gets any. How much is held meanwhile is for `judge`
 * to bound. One that ends before it was judged is destroyed.
 *
 * @param socket nobody has read of it yet
 */
export function lookAtFirstBytes(socket: Socket, options: LookOptions): void {
  new Look(socket, options);
}

class Look {
  private readonly timer: NodeJS.Timeout;
  /** what has come so far, where that was not enough */
  private held: Buffer | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly options: LookOptions,
  ) {
    this.timer = setTimeout(() => {
      this.finish();
      options.late(this.held?.length ?? 0);
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
    const verdict = options.judge(bytes);
    if (verdict === undefined) {
      this.held = bytes;
      return;
    }
    this.finish();
    if (verdict.taken < bytes.length) socket.unshift(bytes.subarray(verdict.taken));
    verdict.next();
  };

  /** The client left before it had said enough. */
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
