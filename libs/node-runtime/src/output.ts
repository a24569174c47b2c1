import { writeSync } from 'node:fs';
import { nonBlocking } from './non-blocking.js';

/** Bytes that wait for one standard stream while it takes nothing; lines beyond are dropped and counted. */
const MAX_WAITING_BYTES = 1_048_576;
/** What is still to be written when the process ends may take this long, both streams together, ms. */
const FLUSH_AT_EXIT_MS = 500;
const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 1000;
const EXIT_PAUSE_MS = 5;

/** What an {@link Output} writes to; `fs.writeSync` on a descriptor in life. @throws what `fs.writeSync` throws */
export type Sink = (data: string | Buffer) => number;

/**
 * Lines to a standard stream that never wait for its reader and never fail.
 * What the stream takes at once is written at once, in the same
 * single system call as before. A full pipe, a full disk or a reader that left
 * makes lines wait in a bounded buffer, be tried again, and be dropped and
 * counted beyond its bound.
 */
export class Output {
  /** Called when there is room again, with the lines that were dropped since the last time. */
  onDropped: (lines: number) => void = (lines) => {
    this.write(`${lines} lines were dropped here, because nobody took them\n`);
  };
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private untold = 0;
  private retryMs = FIRST_RETRY_MS;
  private timer: NodeJS.Timeout | undefined;
  private total = 0;

  /** @param maxWaitingBytes bound of what waits; a single line above it waits whole */
  constructor(
    private readonly sink: Sink,
    private readonly maxWaitingBytes: number = MAX_WAITING_BYTES,
  ) {}

  /** Lines dropped since the start. */
  get droppedLines(): number {
    return this.total;
  }

  /** Bytes that wait. */
  get heldBytes(): number {
    return this.waitingBytes;
  }

  /** @param line with its end of line */
  write(line: string): void {
    if (this.waiting.length > 0) {
      this.keep(Buffer.from(line));
      return;
    }
    let written = 0;
    try {
      written = this.sink(line);
    } catch {
      // Whatever it was: it may pass, and nothing but waiting can be done about it.
    }
    if (written < Buffer.byteLength(line)) this.keep(Buffer.from(line).subarray(written));
  }

  /**
   * Writes what waits, for as long as the stream takes some or says that it will.
   * Blocks the process: for its end only.
   *
   * @param deadline of `performance.now()`
   */
  finish(deadline: number): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      const failure = this.flush();
      if (this.waiting.length === 0 || (failure !== undefined && failure !== 'EAGAIN')) return;
      if (performance.now() >= deadline) return;
      if (failure !== undefined) Atomics.wait(pause, 0, 0, EXIT_PAUSE_MS);
    }
  }

  private keep(line: Buffer): void {
    if (this.waiting.length > 0 && this.waitingBytes + line.length > this.maxWaitingBytes) {
      this.total += 1;
      this.untold += 1;
      return;
    }
    this.waiting.push(line);
    this.waitingBytes += line.length;
    this.timer ??= setTimeout(() => {
      this.retry();
    }, this.retryMs).unref();
  }

  private retry(): void {
    this.timer = undefined;
    const before = this.waitingBytes;
    this.flush();
    this.retryMs = this.waitingBytes < before ? FIRST_RETRY_MS : Math.min(2 * this.retryMs, LAST_RETRY_MS);
    if (this.waiting.length === 0) return;
    this.timer = setTimeout(() => {
      this.retry();
    }, this.retryMs).unref();
  }

  /** One attempt at all that waits. @returns the code of the failure, if it failed */
  private flush(): string | undefined {
    if (this.waiting.length === 0) return undefined;
    const all = Buffer.concat(this.waiting);
    this.waiting = [all];
    let written: number;
    try {
      written = this.sink(all);
    } catch (thrown) {
      return (thrown as NodeJS.ErrnoException).code ?? 'unknown';
    }
    this.waiting = written === all.length ? [] : [all.subarray(written)];
    this.waitingBytes = all.length - written;
    // Half empty: then there is room for the word of it, and it does not come with every line.
    if (this.untold > 0 && this.waitingBytes <= this.maxWaitingBytes / 2) {
      const lines = this.untold;
      this.untold = 0;
      this.onDropped(lines);
    }
    return undefined;
  }
}

const outputs = new Map<1 | 2, Output>();

/**
 * The way to a standard stream of this process: everything that a program prints goes through here.
 *
 * @param stream 1 stdout, 2 stderr
 */
export function standardOutput(stream: 1 | 2): Output {
  const existing = outputs.get(stream);
  if (existing !== undefined) return existing;
  let descriptor: number | undefined;
  const output = new Output((data) => {
    descriptor ??= nonBlocking(stream);
    return typeof data === 'string' ? writeSync(descriptor, data) : writeSync(descriptor, data);
  });
  if (outputs.size === 0) process.once('exit', finishAll);
  outputs.set(stream, output);
  return output;
}

/** Lines that all standard streams of this process dropped, for a metric. */
export function droppedLines(): number {
  let sum = 0;
  for (const output of outputs.values()) sum += output.droppedLines;
  return sum;
}

function finishAll(): void {
  const deadline = performance.now() + FLUSH_AT_EXIT_MS;
  for (const output of outputs.values()) output.finish(deadline);
}
