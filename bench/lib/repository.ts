import { join } from 'node:path';

/** The checkout, seen from `bench/dist/lib`. */
export const root = join(import.meta.dirname, '../../..');

/** A compiled program of the checkout, by its path. */
export const compiled = (path: string): string => join(root, path);
