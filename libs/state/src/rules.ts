import { BerthError } from '@berth/errors';
import type { Json, WriteCondition } from './record-store.js';

/** What NATS takes as a key of its key-value store; so a store there is possible. */
const NAME = /^[A-Za-z0-9._/=-]{1,512}$/;
const PREFIX = /^[A-Za-z0-9._/=-]{0,512}$/;

/** @throws BerthError `BERTH_STATE_INVALID` */
export function checkName(name: string): void {
  if (!NAME.test(name)) throw invalid(`${JSON.stringify(name.slice(0, 80))} is no key of a record or log`);
}

/** @throws BerthError `BERTH_STATE_INVALID` */
export function checkPrefix(prefix: string): void {
  if (!PREFIX.test(prefix)) throw invalid(`${JSON.stringify(prefix.slice(0, 80))} begins no key`);
}

/** @throws BerthError `BERTH_STATE_INVALID` */
export function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw invalid(`${name} must be a whole number from ${least}`);
}

/**
 * A value as text.
 *
 * @throws BerthError `BERTH_STATE_INVALID` for what JSON has no word for
 */
export function textOf(key: string, value: Json): string {
  // The types promise a text, which is not so for a function or undefined.
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw invalid(`the value of ${key} is not JSON`);
  return text;
}

/** @throws BerthError `BERTH_STATE_CONFLICT` */
export function checkRevision(key: string, revision: number, { ifRevision }: WriteCondition): void {
  if (ifRevision === undefined || ifRevision === revision) return;
  const is = revision === 0 ? 'does not exist' : `has revision ${revision}`;
  throw new BerthError('BERTH_STATE_CONFLICT', `record ${key} ${is}, and not ${ifRevision}, as expected`);
}

export function closedStore(): BerthError {
  return new BerthError('BERTH_STATE_UNUSABLE', 'the state has been closed');
}

function invalid(message: string): BerthError {
  return new BerthError('BERTH_STATE_INVALID', message);
}
