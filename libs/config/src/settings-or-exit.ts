import { messageOf } from '#errors';
import { standardOutput } from '#node-runtime';
import type { LoadResult } from './load.js';

/** Exit code of both programs for settings that are wrong. */
const WRONG_SETTINGS = 2;

/**
 * What both programs do first: load, print what was asked for or what is wrong,
 * and set the exit code.
 *
 * @returns the settings to start with; undefined when the program is to end
 */
export function settingsOrExit<T>(load: () => LoadResult<T>): T | undefined {
  let loaded: LoadResult<T>;
  try {
    loaded = load();
  } catch (thrown) {
    standardOutput(2).write(`${messageOf(thrown)}\n`);
    process.exitCode = WRONG_SETTINGS;
    return undefined;
  }
  if (loaded.kind === 'settings') return loaded.settings;
  standardOutput(1).write(loaded.output);
  process.exitCode = loaded.code;
  return undefined;
}
