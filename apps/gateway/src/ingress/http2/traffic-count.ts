import { Allowance } from './allowance.js';
import { LARGE_WINDOW_BYTES } from './upload-window.js';

/** What relays tell their connection. */
export interface BodyTraffic {
  /** a piece of the body of a request came, and is taken */
  received(bytes: number): void;
  /** a piece of an answer is on its way */
  sent(bytes: number): void;
  /** a request was answered before its end: what its client has sent by then comes, and is nobody's */
  cutShort(): void;
}

/** Of frames that belong to no request, bytes at once: 60,000 PINGs. */
const BURST_BYTES = 1024 * 1024;

/** And in each further second. */
const PER_SECOND_BYTES = 256 * 1024;

/** Reasons that are kept for bytes to come. */
const MAX_AHEAD_BYTES = 16 * 1024 * 1024;

/** Beside its fields: frames around the head of a request, bytes. */
const HEAD_FRAME_BYTES = 64;

/** Around a piece of a body: its frame, and padding within reason. */
const DATA_FRAME_BYTES = 32;

/**
 * What a connection sent that is neither a head nor a body: PING, SETTINGS, WINDOW_UPDATE, PRIORITY, frames
 * that nobody knows. Clients need some for each byte that they are sent; above that, there is a rate.
 */
export class TrafficCount implements BodyTraffic {
  private readonly allowance: Allowance;
  /** bytes that have a reason, sent or received */
  private reasonable = 0;
  private seen = 0;

  constructor(now: number) {
    this.allowance = new Allowance(BURST_BYTES, PER_SECOND_BYTES, now);
  }

  /**
   * The head of a request came.
   *
   * @param fields name, value, name, value …
   * @returns its size as HTTP/2 counts it, bytes: 32 for each field beside its own (RFC 9113 section 6.5.2)
   */
  head(fields: readonly string[]): number {
    let bytes = 0;
    for (const text of fields) bytes += text.length;
    this.reasonable += bytes + HEAD_FRAME_BYTES;
    return bytes + 16 * fields.length;
  }

  /** A piece of the body of a request came. */
  received(bytes: number): void {
    this.reasonable += bytes + DATA_FRAME_BYTES;
  }

  /** A piece of an answer is on its way: its client gives credit for it, and measures. */
  sent(bytes: number): void {
    this.reasonable += bytes + DATA_FRAME_BYTES;
  }

  cutShort(): void {
    this.reasonable += LARGE_WINDOW_BYTES;
  }

  /**
   * @param read bytes of the socket, from its start
   * @param waiting of them, bytes of bodies that nobody has taken yet
   * @returns whether the rest is more than a client has a reason for
   */
  floods(read: number, waiting: number, now: number): boolean {
    const unexplained = read - waiting - this.reasonable;
    const grown = Math.max(0, unexplained - this.seen);
    // Reasons may come first, but those of an hour ago explain nothing.
    this.seen = Math.min(Math.max(this.seen, unexplained), unexplained + MAX_AHEAD_BYTES);
    return !this.allowance.take(grown, now);
  }
}
