import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A pipe for a standard stream of a program, whose reader does as it is told. */
export class Fifo implements Disposable {
  /** the end to hand to a program */
  readonly writer: number;
  private reader: number | undefined;
  private readonly folder = mkdtempSync(join(tmpdir(), 'berth-fifo-'));
  private readonly path = join(this.folder, 'pipe');

  constructor() {
    execFileSync('mkfifo', [this.path]);
    this.reader = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writer = openSync(this.path, constants.O_WRONLY);
  }

  /** Until it takes not one byte more. @returns the bytes */
  fill(): number {
    const end = openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK);
    const ofZeros = (size: number): number => {
      let sum = 0;
      try {
        for (;;) sum += writeSync(end, Buffer.alloc(size, '0'));
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown;
      }
      return sum;
    };
    const filled = ofZeros(4096) + ofZeros(1);
    closeSync(end);
    return filled;
  }

  /** What is in it now. */
  read(): string {
    const chunk = Buffer.alloc(65_536);
    let text = '';
    try {
      for (let length = -1; length !== 0; text += chunk.toString('utf8', 0, length))
        length = readSync(this.reader ?? -1, chunk);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown;
    }
    return text;
  }

  /** The reader leaves: writing fails with EPIPE. */
  leave(): void {
    if (this.reader !== undefined) closeSync(this.reader);
    this.reader = undefined;
  }

  close(): void {
    this.leave();
    closeSync(this.writer);
    rmSync(this.folder, { recursive: true });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
