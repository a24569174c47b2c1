import { ErrorReply, RESP_TYPES } from '@redis/client';
import { messageOf } from '@berth/errors';
import { ServicesError } from '../../errors.js';
import type { DeadLetter } from '../invocation-bus.js';
import { decodeRecord, scopeOf } from './message.js';
import { away, workerLost } from '../refusals.js';
import type { Args } from './pipeline.js';
import type { Session } from './session.js';

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];
const BYTES = { [RESP_TYPES.BLOB_STRING]: Buffer };

/**
 * The dead letters of a service, as the script wrote them. One whose invocation cannot be read is among them,
 * with a message that says so: it must not hide the others.
 *
 * @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE` the broker is away, or refuses
 */
export async function listDeadLetters(
  session: Session,
  prefix: string,
  place: { readonly service: string; readonly partition: number; readonly limit: number | undefined },
): Promise<DeadLetter[]> {
  const { service, partition, limit } = place;
  const count = limit === undefined || limit === Infinity ? [] : ['COUNT', String(Math.max(1, Math.floor(limit)))];
  if (limit !== undefined && limit < 1) return [];
  const stream = streamOf(prefix, service, partition);
  const entries = await ask<readonly Entry[]>(session, ['XRANGE', stream, '-', '+', ...count], BYTES);
  return entries.map(([id, fields]) => {
    const entry = { id: id.toString('latin1'), fields };
    try {
      return toLetter(entry, session.clockOffsetMs);
    } catch (thrown) {
      return unreadable(entry, { service, partition, stream }, messageOf(thrown));
    }
  });
}

/**
 * @returns whether it was there
 * @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE` the broker is away, or refuses
 */
export async function removeDeadLetter(
  session: Session,
  prefix: string,
  place: { readonly service: string; readonly partition: number; readonly id: string },
): Promise<boolean> {
  const { service, partition, id } = place;
  if (!/^\d{1,18}-\d{1,18}$/.test(id)) return false;
  return (await ask<number>(session, ['XDEL', streamOf(prefix, service, partition), id])) === 1;
}

function streamOf(prefix: string, service: string, partition: number): string {
  return `${prefix}${scopeOf(service, partition)}:dead`;
}

async function ask<T>(session: Session, args: Args, types?: Record<number, unknown>): Promise<T> {
  try {
    return await session.command<T>(args, types);
  } catch (thrown) {
    if (!(thrown instanceof ErrorReply)) throw away('dead letters cannot be read', session.reason);
    throw new ServicesError(
      'BERTH_SERVICE_BUS_UNAVAILABLE',
      `dead letters cannot be read: the broker says '${thrown.message}'`,
    );
  }
}

interface RawLetter {
  readonly id: string;
  readonly fields: readonly Buffer[];
}

function field({ fields }: RawLetter, name: string): Buffer {
  const at = fields.findIndex((bytes, i) => i % 2 === 0 && bytes.equals(Buffer.from(name)));
  return (at < 0 ? undefined : fields[at + 1]) ?? Buffer.alloc(0);
}

/** What the script wrote itself, which can always be read. */
function outside(letter: RawLetter): Pick<DeadLetter, 'id' | 'reason' | 'attempts' | 'at'> {
  return {
    id: letter.id,
    reason: field(letter, 'reason').toString('latin1') as DeadLetter['reason'],
    attempts: Number(field(letter, 'attempts').toString('latin1')),
    // The first part of an id of a stream is when it was written.
    at: new Date(Number(letter.id.split('-', 1)[0])).toISOString(),
  };
}

function toLetter(letter: RawLetter, clockOffsetMs: number): DeadLetter {
  const known = outside(letter);
  const { place, delivery, invocation } = decodeRecord(field(letter, 'record'), clockOffsetMs);
  const message = field(letter, 'message').toString();
  const shown = known.reason === 'worker-lost' ? workerLost(invocation, known.attempts).message : message;
  return { ...known, key: place.key, invocation, delivery, message: shown === '' ? undefined : shown };
}

/** Its invocation has neither id nor method: what is sent again of it reaches nobody. */
function unreadable(
  letter: RawLetter,
  { service, partition, stream }: { readonly service: string; readonly partition: number; readonly stream: string },
  why: string,
): DeadLetter {
  // The script has read it up to its key, which tells at least where it was to go.
  const [, again, key] = /^\d+,\d+,[^,]*,\d+,(\d),\d+,([^\n]*)\n/.exec(field(letter, 'record').toString()) ?? [];
  return {
    ...outside(letter),
    key: key ?? '',
    invocation: { id: '', service, method: '', partition, payload: new Uint8Array(0), options: {} },
    delivery: again === '1' ? 'at-least-once' : 'at-most-once',
    message: `the invocation of this letter cannot be read (${why}); it may be of another version. Its bytes are in '${stream}', entry ${letter.id}`,
  };
}
