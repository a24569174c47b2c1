import { RESP_TYPES } from '@redis/client';
import { Latch } from './latch.js';
import { type Connection, Link, type LinkOptions } from './link.js';

export interface InboxEvents {
  /** Names of the two streams, asked for at each connection. */
  streams(): { readonly replies: string; readonly work: string };
  /** @param callNumber from 1; 0 is what is said to this process, see {@link Host.told} */
  reply(callNumber: string, answer: Buffer): void;
  work(id: string, subscription: string, record: Buffer): void;
  /** @param all whether there was no more work to read */
  handed(all: boolean): void;
}

type Entry = readonly [id: Buffer, namesAndValues: readonly Buffer[]];
type Read = readonly (readonly [stream: Buffer, entries: readonly Entry[]])[] | null;

/** How many entries of a stream come at once; the rest comes with the next read. */
const AT_ONCE = 200;
const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

/**
 * Reads replies and work over a connection of its own, as they come, each of
 * them once: a read starts after the last entry that came, also after a break.
 */
export class Inbox {
  #lastReply = '0-0';
  #lastWork = '0-0';
  #told = '';
  /** whether the broker is there */
  readonly up = new Latch();
  reason = 'not connected yet';
  readonly #link: Link;
  readonly #blockMs: string;

  constructor(
    options: LinkOptions,
    private readonly events: InboxEvents,
  ) {
    // An answer, if an empty one, comes well before the connection counts as silent.
    this.#blockMs = String(Math.max(1, Math.floor(options.silenceMs / 3)));
    this.#link = new Link(options, {
      up: (connection) => void this.#read(connection),
      down: (reason) => this.#down(reason),
    });
  }

  start(): void {
    this.#link.start();
  }

  /** Ids of replies up to which all have been read, for the broker to drop; '' when it was told already. */
  trim(): string {
    if (this.#told === this.#lastReply) return '';
    this.#told = this.#lastReply;
    return this.#told;
  }

  /** The streams have new names: what of them was read, was of others. */
  renamed(which: { readonly replies: boolean }): void {
    this.#lastWork = '0-0';
    if (which.replies) {
      this.#lastReply = '0-0';
      this.#told = '';
    }
    const { connection } = this.#link;
    if (connection !== undefined) this.#link.drop(connection, new Error('the streams have new names'));
  }

  close(): void {
    this.#link.close();
    this.up.set(false);
    this.up.release();
  }

  #down(reason: string): void {
    this.reason = reason;
    this.up.set(false);
  }

  async #read(connection: Connection): Promise<void> {
    const { replies, work } = this.events.streams();
    const ask = (): Promise<Read> =>
      connection.sendCommand<Read>(
        // Work comes first: that its caller has left is among the replies.
        [
          'XREAD',
          'COUNT',
          `${AT_ONCE}`,
          'BLOCK',
          this.#blockMs,
          'STREAMS',
          work,
          replies,
          this.#lastWork,
          this.#lastReply,
        ],
        BYTES,
      );
    try {
      let next = ask();
      this.up.set(true);
      for (;;) {
        const read = await next;
        if (this.#link.connection !== connection) return;
        this.#link.proven();
        for (const [stream, entries] of read ?? []) {
          const last = (entries.at(-1) as Entry)[0].toString('latin1');
          if (stream.toString() === work) this.#lastWork = last;
          else this.#lastReply = last;
        }
        // The broker waits for more while these are worked on. What fails is seen in the next turn of the loop.
        next = ask();
        next.catch(() => undefined);
        let all = true;
        for (const [stream, entries] of read ?? []) {
          const isWork = stream.toString() === work;
          this.#hand(entries, isWork);
          if (isWork && entries.length >= AT_ONCE) all = false;
        }
        this.events.handed(all);
      }
    } catch (thrown) {
      this.#link.drop(connection, thrown);
    }
  }

  #hand(entries: readonly Entry[], isWork: boolean): void {
    for (const [id, fields] of entries) {
      for (let i = 0; i < fields.length; i += 2) {
        const name = (fields[i] as Buffer).toString('latin1');
        const value = fields[i + 1] as Buffer;
        if (isWork) this.events.work(id.toString('latin1'), name, value);
        else this.events.reply(name, value);
      }
    }
  }
}
