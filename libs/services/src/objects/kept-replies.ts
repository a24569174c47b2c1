import type { InvocationReply } from '../invocation/invocation.js';
import { decodeReply, encodeReply } from '../wire/replies.js';

/** A reply that is remembered with its object. */
interface KeptReply {
  readonly key: string;
  /** ms since 1970, by the clock of the store */
  readonly until: number;
  /** {@link encodeReply}, each byte a character (latin1) */
  readonly text: string;
}

/** Replies as an entry has them: their places in its first line, each behind a comma, and they themselves. */
type Written = readonly [lines: string, texts: string];

/** All remembered replies of an object, the oldest first. They are written with each change of it, and most have been before. */
export class KeptReplies {
  #written: Written | undefined;

  constructor(readonly all: readonly KeptReply[]) {}

  get written(): Written {
    return (this.#written ??= write(this.all));
  }

  /** Without so many of the oldest, and with a new one. */
  next(oldest: number, newest?: KeptReply): KeptReplies {
    const added = newest === undefined ? [] : [newest];
    const next = new KeptReplies(this.all.slice(oldest).concat(added));
    if (this.#written !== undefined) {
      const [lines, texts] = this.#written;
      const [[goneLines, goneTexts], [newLines, newTexts]] = [write(this.all.slice(0, oldest)), write(added)];
      next.#written = [lines.slice(goneLines.length) + newLines, texts.slice(goneTexts.length) + newTexts];
    }
    return next;
  }

  /** How many of the oldest are over their time: they need not be kept any more. */
  due(now: number): number {
    const at = this.all.findIndex(({ until }) => until > now);
    return at < 0 ? this.all.length : at;
  }

  /** The one with a key, with bytes of its own, if its time is not over. */
  find(key: string | undefined, now: number): InvocationReply | undefined {
    // Each call asks, most often in vain: findLast() takes twice the time.
    for (let at = this.all.length - 1; at >= 0; at -= 1) {
      const reply = this.all[at] as KeptReply;
      if (reply.key === key && reply.until > now) return decodeReply(Buffer.from(reply.text, 'latin1'));
    }
    return undefined;
  }
}

export function keptReply(key: string, reply: InvocationReply, until: number): KeptReply {
  return { key, until, text: encodeReply(reply).toString('latin1') };
}

function write(replies: readonly KeptReply[]): Written {
  const lines = replies.map(({ key, until, text }) => `,${JSON.stringify([key, until, text.length])}`);
  return [lines.join(''), replies.map(({ text }) => text).join('')];
}
