import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sendJson } from './json.js';

const BLOCK_BYTES = 65_536;

/** One block of bytes that look random and are always the same. */
const block = ((): Buffer => {
  const bytes = Buffer.allocUnsafe(BLOCK_BYTES);
  let state = 0x2545_f491;
  for (let i = 0; i < bytes.length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
})();

/** Reads a body of any size as it comes and answers with its length and SHA-256. */
export async function takeUpload(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch {
    // The client left: nobody is there to be answered.
    res.destroy();
    return;
  }
  sendJson(res, 200, { bytes, sha256: hash.digest('hex') });
}

/** Sends `?bytes=` bytes, the same ones each time, with their length announced. */
export async function sendBytes(req: IncomingMessage, res: ServerResponse, query: URLSearchParams): Promise<void> {
  const bytes = Number(query.get('bytes') ?? 1_048_576);
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    sendJson(res, 400, { error: 'bytes is no whole number' });
    return;
  }
  res.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes });
  if (req.method === 'HEAD' || bytes === 0) {
    res.end();
    return;
  }
  // A client that leaves half-way ends the pipeline; there is nothing else to do about it.
  await pipeline(Readable.from(blocks(bytes)), res).catch(() => undefined);
}

function* blocks(bytes: number): Generator<Buffer> {
  let left = bytes;
  for (; left >= BLOCK_BYTES; left -= BLOCK_BYTES) yield block;
  if (left > 0) yield block.subarray(0, left);
}
