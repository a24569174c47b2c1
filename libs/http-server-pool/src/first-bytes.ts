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
  /** @returns how many bytes it takes at least to tell, where these are too few; it is asked again when they are there */
  judge: (bytes: Buffer) => Verdict | number;
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

/** Bytes that are held for the first that is not enough; most of what is looked for is shorter. */
const LEAST_ROOM = 128;

class Look {
  private readonly timer: NodeJS.Timeout;
  /** room for what has come so far, where that was not enough: made once, since many may wait and send byte by byte */
  private held: Buffer | undefined;
  private heldBytes = 0;
  private neededBytes = 1;

  constructor(
    private readonly socket: Socket,
    private readonly options: LookOptions,
  ) {
    this.timer = setTimeout(() => {
      this.finish();
      options.late(this.heldBytes);
    }, options.timeoutMs);
    this.timer.unref();
    socket.on('readable', this.look);
    socket.on('end', this.left);
    socket.on('error', this.left);
    socket.on('close', this.finish);
  }

  private readonly look = (): void => {
    const { options, socket } = this;
    const read = socket.read() as Buffer | null;
    if (read === null) return;
    const bytes = this.heldBytes === 0 ? read : this.hold(read);
    if (bytes.length < this.neededBytes) return;
    const verdict = options.judge(bytes);
    if (typeof verdict === 'number') {
      this.neededBytes = verdict;
      if (this.heldBytes === 0) this.hold(read);
      return;
    }
    this.finish();
    if (verdict.taken < bytes.length) socket.unshift(bytes.subarray(verdict.taken));
    verdict.next();
  };

  /** @returns all that has come */
  private hold(read: Buffer): Buffer {
    const total = this.heldBytes + read.length;
    if (this.held === undefined || total > this.held.length) {
      const room = Buffer.allocUnsafe(Math.max(total, this.neededBytes, LEAST_ROOM));
      this.held?.copy(room);
      this.held = room;
    }
    read.copy(this.held, this.heldBytes);
    this.heldBytes = total;
    return this.held.subarray(0, total);
  }

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
