import { createHash } from 'node:crypto';
import { constants, copyFileSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';

/** What belongs to a database: the file, and what was written since the last checkpoint. */
const PARTS = ['', '-wal'];

/**
 * Copies a damaged database beside itself. The name follows from what is in it,
 * so that a gateway which is started again and again makes one copy.
 *
 * @returns name of the copy, which `sqlite3 <name> .recover` can read
 * @throws Error of the file system
 */
export function keepCopy(file: string): string {
  const parts = PARTS.filter((part) => (statSync(file + part, { throwIfNoEntry: false })?.size ?? 0) > 0);
  const hash = createHash('sha256');
  for (const part of parts) hash.update(readFileSync(file + part));
  const copy = `${file}.damaged-${hash.digest('hex').slice(0, 8)}`;
  for (const part of parts) {
    if (!existsSync(copy + part)) copyFileSync(file + part, copy + part, constants.COPYFILE_EXCL);
  }
  return copy;
}

export function removeDatabase(file: string): void {
  for (const part of [...PARTS, '-shm']) rmSync(file + part, { force: true });
}
