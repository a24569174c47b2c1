import type { DatabaseSync } from 'node:sqlite';
import { BerthError, messageOf } from '@berth/errors';
import type { RecordStore } from '../record-store.js';
import { preparePlace } from './check-place.js';
import { type Place, stateError } from './database-errors.js';
import { keepCopy, removeDatabase } from './keep-damaged.js';
import { takeDatabase } from './schema.js';
import { SqliteStore } from './sqlite-store.js';

export interface FileStoreOptions extends Place {
  /** whether a damaged file is replaced by an empty one */
  resetDamaged: boolean;
  /** name of the setting of that, for messages */
  resetSetting: string;
  /** told that a damaged file was replaced */
  warn: (fields: Record<string, unknown>, message: string) => void;
  /** told of each time that the file could not be read or written, while the store is in use */
  failed?: ((error: BerthError) => void) | undefined;
  /** ms since the epoch, for logs; default: the clock */
  now?: () => number;
}

/**
 * A store in one SQLite file, which is made if there is none. One process has
 * it open at a time, by SQLite's own lock on the file; that is not to be
 * trusted over NFS.
 *
 * @throws BerthError `BERTH_STATE_LOCKED`: another process has it open.
 *   `BERTH_STATE_DAMAGED`: it cannot be read; a copy stands beside it.
 *   `BERTH_STATE_UNUSABLE`: no such directory, no right to write, no file of ours
 */
export async function openFileStore(options: FileStoreOptions): Promise<RecordStore> {
  preparePlace(options);
  const { file, resetDamaged, resetSetting, warn } = options;
  const database = await connect(options);
  let copy: string;
  let reason: string;
  try {
    takeDatabase(database, options);
    return new SqliteStore(database, options, options.now, options.failed);
  } catch (thrown) {
    using _closed = database;
    if (BerthError.from(thrown).code !== 'BERTH_STATE_DAMAGED') throw thrown;
    reason = messageOf(thrown);
    // Before it is closed, which would write what is in the log of changes into what is broken.
    copy = copyOf(options, thrown);
  }
  if (!resetDamaged) {
    const what = `${reason}; a copy is kept as ${copy}. Put a backup in its place, or set ${resetSetting} to start with an empty one`;
    throw new BerthError('BERTH_STATE_DAMAGED', what);
  }
  removeDatabase(file);
  warn({ file, copy, reason }, `the state was damaged and begins empty (${resetSetting})`);
  return await openFileStore({ ...options, resetDamaged: false });
}

async function connect(place: Place): Promise<DatabaseSync> {
  // Loaded for who needs it: it is some megabytes of an idle process.
  const sqlite = await import('node:sqlite');
  try {
    return new sqlite.DatabaseSync(place.file);
  } catch (thrown) {
    throw stateError(place, thrown);
  }
}

function copyOf({ file, setting }: Place, damage: unknown): string {
  try {
    return keepCopy(file);
  } catch (thrown) {
    const what = `${messageOf(damage)}; and no copy could be made of it: ${messageOf(thrown)} (${setting})`;
    throw new BerthError('BERTH_STATE_DAMAGED', what, { cause: thrown });
  }
}
