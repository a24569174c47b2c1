import { createRequire } from 'node:module';

/** Version of this package; its package.json stands beside `src` and beside `dist`. */
export const { version: VERSION } = createRequire(import.meta.url)('../package.json') as { version: string };
