/** The service behind raw TCP ports. The first line of a connection says what it is for: `echo`, `down <bytes>`, `up <bytes> [verify]`. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { pieces } from '../lib/pattern.js';
import { endWithParent } from './lifeline.js';

async function send(socket: Socket, bytes: number): Promise<void> {
  for (const piece of pieces(bytes)) {
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  socket.end();
}

/** Answers once all has come. @returns what takes bytes */
function counter(socket: Socket, bytes: number, verify: boolean): (chunk: Buffer) => void {
  const hash = createHash('sha256');
  let received = 0;
  return (chunk) => {
    received += chunk.length;
    if (verify) hash.update(chunk);
    if (received >= bytes)
      socket.end(JSON.stringify({ bytes: received, ...(verify && { sha256: hash.digest('hex') }) }));
  };
}

function begin(socket: Socket, line: string): (chunk: Buffer) => void {
  const [what, bytes, verify] = line.split(' ');
  if (what === 'echo') return (chunk) => socket.write(chunk);
  if (what === 'up') return counter(socket, Number(bytes), verify === 'verify');
  void send(socket, Number(bytes)).catch(() => socket.destroy());
  return () => undefined;
}

const server = createServer({ noDelay: true }, (socket) => {
  let head = '';
  let take: ((chunk: Buffer) => void) | undefined;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    if (take !== undefined) {
      take(chunk);
      return;
    }
    const before = head.length;
    head += chunk.toString('latin1');
    const end = head.indexOf('\n');
    if (end < 0) return;
    take = begin(socket, head.slice(0, end));
    const rest = chunk.subarray(end + 1 - before);
    if (rest.length > 0) take(rest);
  });
});

endWithParent();
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`));
