/**
 * Clients that ask for much, read its beginning and then nothing more:
 * `stalled-clients.js <port> <count> <bytes> [bytes to read; only the head]`.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { endWithParent, numberArgument } from './lifeline.js';

const port = numberArgument(0);
const count = numberArgument(1);
const bytes = numberArgument(2);
const readBytes = process.argv[5] === undefined ? 0 : numberArgument(3);

async function stall(): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /bytes?n=${bytes} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.on('error', () => undefined);
  for (let got = chunk.length; got < readBytes; got += ((await once(socket, 'data')) as [Buffer])[0].length);
  socket.pause();
  const status = chunk.toString('latin1', 0, 12);
  if (status !== 'HTTP/1.1 200') throw new Error(`unexpected answer: ${status}`);
}

endWithParent();
await Promise.all(Array.from({ length: count }, stall));
console.log(`stalled ${count}`);
