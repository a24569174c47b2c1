import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { BerthError } from '@berth/errors';
import type { Place } from './database-errors.js';

/** For the owner alone: credentials may be among the records. */
const MODE = 0o600;

/**
 * Finds out what SQLite would only call "unable to open", and makes the file if
 * there is none. One that is there is not opened: to close it again would take
 * the lock from whoever in this process has it open (fcntl(2), POSIX locks).
 *
 * @throws BerthError `BERTH_STATE_UNUSABLE`
 */
export function preparePlace({ file, setting }: Place): void {
  const fail = (what: string, cause: unknown): never => {
    throw new BerthError('BERTH_STATE_UNUSABLE', `${setting}: ${what}`, { cause });
  };
  const folder = dirname(file);
  try {
    if (!statSync(folder).isDirectory()) fail(`${folder} is no directory`, undefined);
    // SQLite writes a second file beside it.
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (thrown) {
    const why = reasonOf(thrown);
    fail(`the directory ${folder} ${why === 'ENOENT' ? 'does not exist' : `is not writable (${why})`}`, thrown);
  }
  try {
    if (!statSync(file).isFile()) fail(`${file} is no file`, undefined);
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (thrown) {
    if (reasonOf(thrown) !== 'ENOENT') fail(`${file} cannot be read and written (${reasonOf(thrown)})`, thrown);
    try {
      closeSync(openSync(file, 'wx', MODE));
    } catch (unmade) {
      if (reasonOf(unmade) !== 'EEXIST') fail(`${file} cannot be made (${reasonOf(unmade)})`, unmade);
    }
  }
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof BerthError) throw thrown;
  return (thrown as NodeJS.ErrnoException).code ?? 'error';
}
