import { ServicesError } from '../errors.js';
import { KeptReplies } from './kept-replies.js';

/** All that is kept of an object. It changes at once, or not at all. */
export interface Entry {
  /** 0: there is none, or none any more */
  readonly version: number;
  /** the highest version that there ever was */
  readonly last: number;
  readonly state: string | undefined;
  /** tokens of the last writes, the newest first, one behind the other */
  readonly writes: string;
  readonly replies: KeptReplies;
}

export const NO_ENTRY: Entry = { version: 0, last: 0, state: undefined, writes: '', replies: new KeptReplies([]) };

/** Characters of a token. */
export const TOKEN_LENGTH = 16;
/** A write whose answer was lost is recognised below so many others, itself among them. */
export const KEPT_TOKENS = 16;

/** An entry as it was found, and by what its keeper knows it. */
export interface Found {
  readonly entry: Entry;
  /** bytes that it takes where it is kept */
  readonly length: number;
  /** another one after each change, where the keeper counts; 0: there is nothing */
  readonly revision: number;
  /** tells what the revision is of from what may be there after a loss */
  readonly era?: string;
}

/** Keeps entries by their names. A promise is one try: it rejects with what went wrong, or with a ServicesError that no try will change. */
export interface Entries {
  /** @param known may be given back if it still is what there is @param lost earlier tries that were not answered */
  get(name: string, known: Found | undefined, lost: number): Promise<Found>;
  /**
   * @param base what the entry was made from; absent: it takes the place of whatever is there
   * @param lost as above
   * @returns what is kept, perhaps with fewer replies; `undefined`: there is something else than `base`
   */
  put(name: string, entry: Entry, base: Found | undefined, lost: number): Promise<Found | undefined>;
  /** Whether what was found may still be what there is: not where a server may have lost it since. Absent: always. */
  isCurrent?(found: Found): boolean;
}

/** The tokens with one more. */
export function withToken(token: string, writes: string): string {
  return (token + writes).slice(0, TOKEN_LENGTH * KEPT_TOKENS);
}

/** Whether an entry came of another one by writes: not where a server has lost that one, and others began anew. */
export function isMadeFrom(before: Entry, now: Entry): boolean {
  return now.writes.includes(before.writes.slice(0, TOKEN_LENGTH));
}

/** Whether the write with a token, made from `base`, is in `now`; `undefined`: too many others came after it, or would have. */
export function wasMade(token: string, base: Entry, now: Entry): boolean | undefined {
  if (now.writes.includes(token)) return true;
  const isWhole = base.writes === '' ? now.writes.length < TOKEN_LENGTH * KEPT_TOKENS : isMadeFrom(base, now);
  return isWhole ? false : undefined;
}

interface Head {
  readonly t: string;
  readonly v: number;
  readonly l: number;
  /** bytes of the state; absent: there is none */
  readonly n?: number;
  readonly r: readonly (readonly [key: string, until: number, bytes: number])[];
}

const LINE_FEED = 10;

/** The first bytes of an entry, with its newest token in them: no two entries that were written share them. */
export function beginningOf({ writes }: Entry): string {
  return `{"t":"${writes.slice(0, TOKEN_LENGTH)}`;
}

/** One line of JSON, {@link Head}, then the state, then the replies as they are. */
export function encodeEntry({ version: v, last: l, state, writes: t, replies }: Entry): Buffer {
  const head = JSON.stringify({ t, v, l, ...(state !== undefined && { n: Buffer.byteLength(state) }) });
  const [lines, texts] = replies.written;
  const text = `${head.slice(0, -1)},"r":[${lines.slice(1)}]}\n${state ?? ''}`;
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(length + texts.length);
  bytes.write(text);
  bytes.write(texts, length, 'latin1');
  return bytes;
}

/** What {@link encodeEntry} made. @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` somebody else wrote it */
export function decodeEntry(name: string, value: Uint8Array): Entry {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const end = bytes.indexOf(LINE_FEED);
  try {
    const line = bytes.toString('utf8', 0, end);
    const { v: version, l: last, t: writes, n, r } = JSON.parse(line) as Head;
    const stateEnd = end + 1 + (n ?? 0);
    const state = n === undefined ? undefined : bytes.toString('utf8', end + 1, stateEnd);
    const texts = bytes.toString('latin1', stateEnd);
    let at = 0;
    const replies = r.map(([key, until, length]) => {
      at += length;
      return { key, until, text: texts.slice(at - length, at) };
    });
    const entry = { version, last, state, writes, replies: new KeptReplies(replies) };
    // One that begins otherwise would never be found to be what a write is made from.
    if (line.startsWith(beginningOf(entry)) && version <= last && stateEnd + at === bytes.length) return entry;
  } catch {
    // It is none.
  }
  throw unreadable(name);
}

/** @param name of the key or value */
export function unreadable(name: string): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_STORE_UNAVAILABLE',
    `what the store of objects has as '${name}' was written by another version of this library, or by another program: delete it, or give the store another keyPrefix or bucket`,
  );
}

/**
 * An entry as its keeper takes it: earlier replies make room for the newest one.
 *
 * @param most bytes, as `setting` has it
 * @throws ServicesError `BERTH_SERVICE_PAYLOAD_TOO_LARGE` there is not enough to leave out
 */
export function fitted(entry: Entry, most: number, setting: string): { readonly entry: Entry; readonly bytes: Buffer } {
  const bytes = encodeEntry(entry);
  const { length } = bytes;
  if (length <= most) return { entry, bytes };
  const { all } = entry.replies;
  if (all.length > 1)
    return fitted({ ...entry, replies: entry.replies.next(Math.ceil(all.length / 2)) }, most, setting);
  throw new ServicesError(
    'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
    `state and reply have ${length} bytes; ${most} are taken: raise ${setting}`,
    { length, limit: most },
  );
}
