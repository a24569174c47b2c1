import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pieces } from './pattern.js';

/**
 * Answers with `bytes` bytes of the pattern.
 *
 * @param start byte of the pattern to begin with
 * @throws AbortError when the client leaves in the middle
 */
export async function sendBytes(res: ServerResponse, bytes: number, start = 0): Promise<void> {
  res.writeHead(200, { 'Content-Length': bytes });
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  for (const piece of pieces(bytes, start)) {
    if (!res.write(piece)) await once(res, 'drain', { signal: gone.signal });
  }
  res.end();
}
