import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { BerthError, messageOf } from '@berth/errors';
import sonicBoom, { type SonicBoom } from 'sonic-boom';

/** Lines that wait while the disk is slow; beyond it they are dropped. */
export const MAX_WAITING_BYTES = 4 * 1_048_576;
/** So much is written at once, unless {@link FLUSH_MS} is over before. */
const BATCH_BYTES = 16_384;
/** A line is in the file after this time, on a disk that keeps up. */
const FLUSH_MS = 200;
/** Between two looks whether the file was moved, while lines come. */
const LOOK_MS = 1000;
/** For what waits when it is closed. */
const CLOSE_MS = 500;

/** What an {@link AccessFile} tells. */
export interface FileListener {
  /** a line found no room */
  dropped(): void;
  /** the file could not be written, or not be opened anew */
  failed(error: Error): void;
}

/** A file that lines are added to without waiting for it. */
export class AccessFile {
  private out: SonicBoom;
  private id: string;
  private timer: NodeJS.Timeout | undefined;
  private lookedAt = 0;
  private closed = false;

  /** @throws BerthError `BERTH_CONFIG_INVALID` where the file cannot be opened, or is none */
  constructor(
    private readonly path: string,
    private readonly listener: FileListener,
  ) {
    const fd = openForLines(path);
    this.id = identity(fstatSync(fd));
    this.out = this.begin(fd);
  }

  /** @param line with its end of line */
  write(line: string): void {
    this.out.write(line);
    this.timer ??= setTimeout(this.flush, FLUSH_MS).unref();
  }

  /** Opens what stands at the path now; lines that were written before go where they were meant to. */
  reopen(): void {
    try {
      const fd = openForLines(this.path);
      const before = this.out;
      this.id = identity(fstatSync(fd));
      this.out = this.begin(fd);
      before.end();
    } catch (thrown) {
      this.listener.failed(thrown as Error);
    }
  }

  /** Resolves when all is written, or after half a second. */
  close(): Promise<void> {
    clearTimeout(this.timer);
    this.closed = true;
    const { out } = this;
    return new Promise((resolve) => {
      const limit = setTimeout(resolve, CLOSE_MS);
      out.once('close', () => {
        clearTimeout(limit);
        resolve();
      });
      out.end();
    });
  }

  private begin(fd: number): SonicBoom {
    // Node finds no named exports in what it is made of.
    const out = new sonicBoom.SonicBoom({
      fd,
      minLength: BATCH_BYTES,
      maxWrite: 4 * BATCH_BYTES,
      maxLength: MAX_WAITING_BYTES,
      sync: false,
    });
    out.on('drop', () => {
      this.listener.dropped();
    });
    out.on('error', (error: Error) => {
      this.listener.failed(error);
      // It keeps what it could not write; one that was left would keep its file as well, and the room of it on the disk.
      if (out === this.out && !this.closed) this.timer ??= setTimeout(this.flush, LOOK_MS).unref();
      else out.destroy();
    });
    return out;
  }

  private readonly flush = (): void => {
    this.timer = undefined;
    const now = performance.now();
    if (now - this.lookedAt >= LOOK_MS) {
      this.lookedAt = now;
      if (this.wasMoved()) this.reopen();
    }
    this.out.flush();
  };

  private wasMoved(): boolean {
    const stat = statSync(this.path, { throwIfNoEntry: false });
    return stat === undefined || identity(stat) !== this.id;
  }
}

function identity({ dev, ino }: { dev: number; ino: number }): string {
  return `${dev} ${ino}`;
}

/** Never waits: opening a pipe that nobody reads would. */
function openForLines(path: string): number {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_APPEND | O_CREAT | O_NONBLOCK | O_WRONLY, 0o640);
  } catch (thrown) {
    throw new BerthError('BERTH_CONFIG_INVALID', `accessLog.file: cannot open ${path}: ${messageOf(thrown)}`);
  }
  const stat = fstatSync(fd);
  if (stat.isFile() || stat.isCharacterDevice()) return fd;
  closeSync(fd);
  throw new BerthError('BERTH_CONFIG_INVALID', `accessLog.file: ${path} is no file; leave it empty for stdout`);
}
