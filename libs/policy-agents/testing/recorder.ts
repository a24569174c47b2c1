import type { BerthError } from '@berth/errors';
import { eventually } from '@berth/testing';
import type { LinkReceiver } from '../src/link.js';

/** Keeps what comes over a link. */
export class Recorder<In> implements LinkReceiver<In> {
  readonly messages: In[] = [];
  drains = 0;
  /** once the link has ended */
  end: { readonly error: BerthError | undefined } | undefined;

  message(message: In): void {
    this.messages.push(message);
  }

  drained(): void {
    this.drains += 1;
  }

  closed(error: BerthError | undefined): void {
    if (this.end) throw new Error('the end was told twice');
    this.end = { error };
  }

  /** Waits until so many messages are there. */
  async received(count: number): Promise<In[]> {
    await eventually(() => this.messages.length >= count);
    return this.messages;
  }

  /** Waits for the end. @returns its error */
  async ended(): Promise<BerthError | undefined> {
    return (await eventually(() => this.end)).error;
  }
}
