import { getAsset, isSea } from 'node:sea';

/**
 * A file that travels inside a single executable (`npm run executables`).
 *
 * @param name as `tools/executables/programs.ts` lists it
 * @returns undefined where the program runs from its files
 * @throws Error when this executable was built without it
 */
export function bundledFile(name: string): Buffer | undefined {
  return isSea() ? Buffer.from(getAsset(name)) : undefined;
}
