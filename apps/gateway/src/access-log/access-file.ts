import { closeSync, constants, fstatSync, openSync, stat } from 'node:fs';
import { BerthError, messageOf } from '@berth/errors';
import { MAX_LINE_BYTES } from './access-line.js';
import { LineBuffer } from './line-buffer.js';
import { type LineListener, LineWriter } from './line-writer.js';

/** So much is written at once, unless {@link FLUSH_MS} is over before. */
const BATCH_BYTES = 131_072;
/** A line is in the file after this time, on a disk that keeps up. */
const FLUSH_MS = 200;
/** Between two looks whether the file was moved, and two tries after a failure. */
const LOOK_MS = 1000;
/** For what waits when it is closed. */
const CLOSE_MS = 500;

/** A file that lines are added to without waiting for it. */
export class AccessFile {
  /** where the next line goes; then {@link added} is called */
  readonly lines = new LineBuffer(BATCH_BYTES + MAX_LINE_BYTES);
  private out: LineWriter;
  private id: string;
  private readonly writing: LineListener;
  private count = 0;
  private timer: NodeJS.Timeout | undefined;
  private lookedAt = 0;
  private closed = false;

  /** @throws BerthError `BERTH_CONFIG_INVALID` where the file cannot be opened, or is none */
  constructor(
    private readonly path: string,
    private readonly listener: LineListener,
  ) {
    this.writing = {
      dropped: (lines) => {
        listener.dropped(lines);
      },
      failed: (error) => {
        listener.failed(error);
        if (!this.closed) this.timer ??= setTimeout(this.flush, LOOK_MS).unref();
      },
    };
    const fd = openForLines(path);
    this.id = identity(fstatSync(fd));
    this.out = new LineWriter(fd, this.writing);
  }

  /** A line is there. */
  added(): void {
    this.count += 1;
    if (this.lines.length >= BATCH_BYTES) this.handOn();
    this.timer ??= setTimeout(this.flush, FLUSH_MS).unref();
  }

  /** Opens what stands at the path now; lines that were written before go where they were meant to. */
  reopen(): void {
    try {
      const fd = openForLines(this.path);
      this.handOn();
      const before = this.out;
      this.id = identity(fstatSync(fd));
      this.out = new LineWriter(fd, this.writing);
      before.end(() => undefined);
    } catch (thrown) {
      this.listener.failed(thrown as Error);
    }
  }

  /** Resolves when all is written, or after half a second. */
  close(): Promise<void> {
    clearTimeout(this.timer);
    this.closed = true;
    this.handOn();
    return new Promise((resolve) => {
      const limit = setTimeout(resolve, CLOSE_MS);
      this.out.end(() => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  private handOn(): void {
    if (this.count === 0) return;
    this.out.add(this.lines.take(), this.count);
    this.count = 0;
  }

  private readonly flush = (): void => {
    this.timer = undefined;
    this.handOn();
    this.out.retry();
    if (performance.now() - this.lookedAt >= LOOK_MS) this.look();
  };

  /** Whether the file was moved. Also that may take its time on a slow disk, and is asked once at a time. */
  private look(): void {
    this.lookedAt = Infinity;
    const { id } = this;
    stat(this.path, (error, found) => {
      this.lookedAt = performance.now();
      if (this.closed || this.id !== id) return;
      // What is wrong is told of when it is opened.
      if (error !== null || identity(found) !== id) this.reopen();
    });
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
  const opened = fstatSync(fd);
  if (opened.isFile() || opened.isCharacterDevice()) return fd;
  closeSync(fd);
  throw new BerthError('BERTH_CONFIG_INVALID', `accessLog.file: ${path} is no file; leave it empty for stdout`);
}
