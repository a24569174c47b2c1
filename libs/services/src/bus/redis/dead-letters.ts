import { RESP_TYPES } from '@redis/client';
import type { DeadLetter } from '../invocation-bus.js';
import { decodeRecord, scopeOf } from './message.js';
import { workerLost } from '../refusals.js';
import type { Session } from './session.js';

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];
const BYTES = { [RESP_TYPES.BLOB_STRING]: Buffer };

/** The dead letters of a service, as the script wrote them; fails when the broker is away. */
export async function listDeadLetters(
  session: Session,
  prefix: string,
  place: { readonly service: string; readonly partition: number; readonly limit: number | undefined },
): Promise<DeadLetter[]> {
  const { service, partition, limit } = place;
  const count = limit === undefined || limit === Infinity ? [] : ['COUNT', String(Math.max(1, Math.floor(limit)))];
  if (limit !== undefined && limit < 1) return [];
  const entries = await session.command<readonly Entry[]>(
    ['XRANGE', streamOf(prefix, service, partition), '-', '+', ...count],
    BYTES,
  );
  return entries.map(([id, fields]) => toLetter(id.toString('latin1'), fields, session.clockOffsetMs));
}

/** @returns whether it was there; fails when the broker is away */
export async function removeDeadLetter(
  session: Session,
  prefix: string,
  place: { readonly service: string; readonly partition: number; readonly id: string },
): Promise<boolean> {
  const { service, partition, id } = place;
  if (!/^\d{1,18}-\d{1,18}$/.test(id)) return false;
  return (await session.command<number>(['XDEL', streamOf(prefix, service, partition), id])) === 1;
}

function streamOf(prefix: string, service: string, partition: number): string {
  return `${prefix}${scopeOf(service, partition)}:dead`;
}

function toLetter(id: string, fields: readonly Buffer[], clockOffsetMs: number): DeadLetter {
  const value = (name: string): Buffer => {
    const at = fields.findIndex((field, i) => i % 2 === 0 && field.equals(Buffer.from(name)));
    return fields[at + 1] ?? Buffer.alloc(0);
  };
  const { place, delivery, invocation } = decodeRecord(value('record'), clockOffsetMs);
  const reason = value('reason').toString('latin1') as DeadLetter['reason'];
  const attempts = Number(value('attempts').toString('latin1'));
  const message = value('message').toString();
  const shown = reason === 'worker-lost' ? workerLost(invocation, attempts).message : message;
  return {
    id,
    key: place.key,
    invocation,
    delivery,
    attempts,
    reason,
    message: shown === '' ? undefined : shown,
    // The first part of an id of a stream is when it was written.
    at: new Date(Number(id.split('-', 1)[0])).toISOString(),
  };
}
