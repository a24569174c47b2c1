/**
 * A client of `tcp-origin.js` that prints what came of it: `tcp-client.js echo <port> <connections> <seconds>` has a
 * message of 64 bytes under way on each connection; `down|up <port> <bytes> [verify]` moves bytes once.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Latencies } from '../lib/latencies.js';
import { pattern, pieces } from '../lib/pattern.js';
import { endWithParent, numberArgument } from './lifeline.js';

const MESSAGE = pattern.subarray(0, 64);
const READ_BYTES = 524_288;

async function open(port: number, take: (chunk: Buffer) => void): Promise<Socket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(READ_BYTES),
      callback: (length, buffer) => {
        take(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        return true;
      },
    },
  });
  await once(socket, 'connect');
  return socket;
}

async function echo(port: number, connections: number, seconds: number): Promise<object> {
  const latencies = new Latencies();
  const start = performance.now();
  const end = start + seconds * 1000;
  const lane = async (): Promise<void> => {
    const done = Promise.withResolvers<undefined>();
    let sentAt = 0;
    let received = 0;
    const socket = await open(port, (chunk) => {
      if (!chunk.equals(MESSAGE.subarray(received, received + chunk.length))) done.reject(new Error('another echo'));
      received += chunk.length;
      if (received < MESSAGE.length) return;
      received = 0;
      const now = performance.now();
      latencies.add((now - sentAt) * 1000);
      if (now < end) send();
      else done.resolve(undefined);
    });
    const send = (): void => {
      sentAt = performance.now();
      socket.write(MESSAGE);
    };
    socket.once('error', done.reject);
    socket.once('close', () => done.reject(new Error('closed in the middle')));
    socket.write('echo\n');
    send();
    await done.promise;
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return {
    messages: latencies.count,
    messagesPerSecond: (latencies.count / (performance.now() - start)) * 1000,
    p50Micros: latencies.quantile(0.5),
    p99Micros: latencies.quantile(0.99),
  };
}

async function down(port: number, bytes: number, verify: boolean): Promise<object> {
  const hash = createHash('sha256');
  let received = 0;
  const socket = await open(port, (chunk) => {
    received += chunk.length;
    if (verify) hash.update(chunk);
  });
  const start = performance.now();
  socket.write(`down ${bytes}\n`);
  // The end that the service made has to come as one.
  await once(socket, 'end');
  return { bytes: received, ...(verify && { sha256: hash.digest('hex') }), ms: performance.now() - start };
}

async function up(port: number, bytes: number, verify: boolean): Promise<object> {
  let answer = '';
  const socket = await open(port, (chunk) => {
    answer += chunk.toString();
  });
  const ended = once(socket, 'end');
  const start = performance.now();
  socket.write(`up ${bytes}${verify ? ' verify' : ''}\n`);
  for (const piece of pieces(bytes)) {
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  await ended;
  return { ...(JSON.parse(answer) as object), ms: performance.now() - start };
}

endWithParent();
const verify = process.argv[5] === 'verify';
const port = numberArgument(1);
const amount = numberArgument(2);
const what = process.argv[2];
const result =
  what === 'echo'
    ? await echo(port, amount, numberArgument(3))
    : await (what === 'up' ? up : down)(port, amount, verify);
console.log(JSON.stringify(result));
process.exit(0);
