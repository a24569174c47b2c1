import { join } from 'node:path';

/** The checkout, seen from `dist/bench/lib`. */
export const root = join(import.meta.dirname, '../../..');

/** A compiled program of the checkout, by its path below `dist`. */
export const compiled = (path: string): string => join(root, 'dist', path);
