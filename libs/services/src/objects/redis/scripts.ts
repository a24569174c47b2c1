import { createHash } from 'node:crypto';

/** A Lua script that the server runs as one step. */
export interface Script {
  readonly text: string;
  /** by which the server knows it */
  readonly sha: string;
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
