import type { DatabaseSync } from 'node:sqlite';
import { BerthError, messageOf } from '@berth/errors';
import { isDamage, type Place, sqliteCode, SQLITE, stateError } from './database-errors.js';

/** `BRTH`: tells our files from other programs' (PRAGMA application_id). */
const APPLICATION_ID = 0x42525448;
/** Of what stands below; one more with each change, and a step that brings older files up to it. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO counters VALUES ('revision', 0);
  CREATE TABLE records (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE entries (
    position INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL, at INTEGER NOT NULL, value TEXT NOT NULL
  ) STRICT;
  CREATE INDEX entries_of_log ON entries (log, position);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Makes an open database ours alone, new or as it was, and looks whether it is whole.
 *
 * @throws BerthError `BERTH_STATE_LOCKED`, `BERTH_STATE_DAMAGED`, or `BERTH_STATE_UNUSABLE` for what is not ours to change
 */
export function takeDatabase(database: DatabaseSync, place: Place): void {
  try {
    // The lock stays until the connection or the process ends, so a crash leaves none behind.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT');
    const isNew = checkOwner(database, place);
    // NORMAL: a commit waits for no disk, because node:sqlite would make everything else wait too. A crash of
    // the process loses nothing; a loss of power may take the last changes, whole ones, unless sync() was called.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    if (isNew) database.exec(`BEGIN; ${SCHEMA} COMMIT`);
    else checkWhole(database, place);
  } catch (thrown) {
    throw stateError(place, thrown);
  }
}

/** @returns whether there is nothing in it yet */
function checkOwner(database: DatabaseSync, { file, setting }: Place): boolean {
  const tables = numberOf(database, 'SELECT count(*) FROM sqlite_schema');
  const owner = numberOf(database, 'PRAGMA application_id');
  const version = numberOf(database, 'PRAGMA user_version');
  if (tables === 0 && owner === 0) return true;
  const refuse = (what: string): never => {
    throw new BerthError('BERTH_STATE_UNUSABLE', `${setting}: ${file} ${what}`);
  };
  if (owner !== APPLICATION_ID) refuse('is a database of another program');
  if (version > SCHEMA_VERSION) refuse(`was written by a newer version (schema ${version}, here ${SCHEMA_VERSION})`);
  return false;
}

function checkWhole(database: DatabaseSync, { file, setting }: Place): void {
  const damaged = (what: string, cause?: unknown): BerthError =>
    new BerthError('BERTH_STATE_DAMAGED', `${setting}: ${file} is damaged: ${what}`, { cause });
  try {
    const [finding = 'nothing'] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {});
    if (finding !== 'ok') throw damaged(String(finding));
    for (const [table, name] of [
      ['records', 'key'],
      ['entries', 'log'],
    ]) {
      const wrong = database.prepare(`SELECT ${name} AS name FROM ${table} WHERE NOT json_valid(value) LIMIT 1`).get();
      if (wrong !== undefined) throw damaged(`${String(wrong['name'])} is not JSON`);
    }
  } catch (thrown) {
    // A table that is not there although the file is ours.
    if (isDamage(thrown) || sqliteCode(thrown) === SQLITE.ERROR) throw damaged(messageOf(thrown), thrown);
    throw thrown;
  }
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0]);
}
