/**
 * Moves one body and prints `{bytes, ms, sha256}`: `bulk-client.js down|up <port> <bytes> [verify]`.
 * Plain sockets and one buffer used again, so that the client takes as little of the machine as it can.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pieces } from '../lib/pattern.js';
import { endWithParent, numberArgument } from './lifeline.js';

const direction = process.argv[2];
const port = numberArgument(1);
const bytes = numberArgument(2);
const verify = process.argv[5] === 'verify';

const hash = createHash('sha256');
let head = '';
let received = 0;
let expected = NaN;

/** Splits the response into head and body; {@link expected} is known once the head is there. */
function take(chunk: Buffer): void {
  let body = chunk;
  if (Number.isNaN(expected)) {
    const text = head + chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      head = text;
      return;
    }
    body = chunk.subarray(end + 4 - head.length);
    head = text.slice(0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (!head.startsWith('HTTP/1.1 200') || length === undefined) throw new Error(`unexpected answer:\n${head}`);
    expected = Number(length);
  }
  received += body.length;
  if (direction === 'up') head += body.toString('latin1');
  else if (verify) hash.update(body);
}

async function sendBody(socket: Socket): Promise<void> {
  for (const piece of pieces(bytes)) {
    if (!socket.write(piece)) await once(socket, 'drain');
  }
}

endWithParent();
const done = Promise.withResolvers<undefined>();
const socket = connect({
  port,
  host: '127.0.0.1',
  onread: {
    buffer: Buffer.allocUnsafe(524_288),
    callback: (length, buffer) => {
      take(Buffer.from(buffer.buffer, buffer.byteOffset, length));
      if (received >= expected) done.resolve(undefined);
      return true;
    },
  },
});
socket.once('error', done.reject);
socket.once('close', () => done.reject(new Error(`closed after ${received} of ${expected} bytes\n${head}`)));
await once(socket, 'connect');

const start = performance.now();
const target = direction === 'up' ? `POST /sink${verify ? '?verify' : ''}` : `GET /bytes?n=${bytes}`;
const length = direction === 'up' ? `Content-Length: ${bytes}\r\n` : '';
socket.write(`${target} HTTP/1.1\r\nHost: bench\r\n${length}\r\n`);
if (direction === 'up') await Promise.race([sendBody(socket), done.promise]);
await done.promise;
const ms = performance.now() - start;

const taken = JSON.stringify({ bytes: received, ...(verify && { sha256: hash.digest('hex') }) });
const answer = direction === 'up' ? /\{.*\}$/.exec(head)?.[0] : taken;
console.log(JSON.stringify({ ...(JSON.parse(answer ?? '{}') as object), ms }));
process.exit(0);
