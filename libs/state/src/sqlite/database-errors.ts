import { BerthError, messageOf } from '@berth/errors';

/** Primary result codes of SQLite that mean something to us (sqlite.org/rescode.html). */
export const SQLITE = { ERROR: 1, BUSY: 5, READONLY: 8, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const;

/** The file, and what told its name. */
export interface Place {
  file: string;
  /** name of the setting, for messages */
  setting: string;
}

/** The primary result code of what `node:sqlite` threw; undefined for anything else. */
export function sqliteCode(thrown: unknown): number | undefined {
  const { errcode } = thrown as { errcode?: unknown };
  // The extended ones have more above the lowest byte.
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}

export function isDamage(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code === SQLITE.CORRUPT || code === SQLITE.NOTADB;
}

/** What SQLite threw while the store was in use, or opened. */
export function stateError(place: Place, thrown: unknown): BerthError {
  if (thrown instanceof BerthError) return thrown;
  const where = `${place.setting}: ${place.file}`;
  if (isDamage(thrown)) {
    return new BerthError('BERTH_STATE_DAMAGED', `${where} is damaged: ${messageOf(thrown)}`, { cause: thrown });
  }
  if (sqliteCode(thrown) === SQLITE.BUSY) {
    const what = `${where} is in use by another process; each gateway needs a file of its own`;
    return new BerthError('BERTH_STATE_LOCKED', what, { cause: thrown });
  }
  return new BerthError('BERTH_STATE_UNUSABLE', `${where}: ${messageOf(thrown)}`, { cause: thrown });
}
