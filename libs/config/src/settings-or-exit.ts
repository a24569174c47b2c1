import { messageOf } from '@berth/errors';
import { standardOutput } from '@berth/node-runtime';
import type { LoadResult } from './load.js';
import type { Frozen } from './program.js';

/** Exit code of both programs for settings that are wrong. */
const WRONG_SETTINGS = 2;

/**
 * What both programs do first: load, print what was asked for, what is wrong or
 * to be warned of, and set the exit code.
 *
 * @returns the settings to start with; undefined when the program is to end
 */
export function settingsOrExit<T>(load: () => LoadResult<T>): Frozen<T> | undefined {
  try {
    const loaded = load();
    if (loaded.kind === 'settings') {
      for (const warning of loaded.warnings) standardOutput(2).write(`${warning}\n`);
      return loaded.settings;
    }
    standardOutput(loaded.code === 0 ? 1 : 2).write(loaded.output);
    process.exitCode = loaded.code;
  } catch (thrown) {
    standardOutput(2).write(`${messageOf(thrown)}\n`);
    process.exitCode = WRONG_SETTINGS;
  }
  return undefined;
}
