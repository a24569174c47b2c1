/**
 * The service behind the agents of a soak, on a port for each of them: `soak-origin.js <ports>`.
 * `GET /bytes?n=&start=`, `POST /sink` and `POST /echo` with a number, `WebSocket /`, `GET /ledger`.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { WebSocketServer } from 'ws';
import { sendBytes } from '../lib/send-bytes.js';
import type { SoakLedger } from '../lib/soak-account.js';
import { endWithParent, numberArgument } from './lifeline.js';

const ledger: SoakLedger = { posts: {}, wrongBodies: 0 };

function note(req: IncomingMessage): void {
  const post = String(req.headers['x-post']);
  ledger.posts[post] = (ledger.posts[post] ?? 0) + 1;
}

async function sink(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of req) hash.update(chunk as Buffer);
  const sha256 = hash.digest('hex');
  if (sha256 !== req.headers['x-sha256']) ledger.wrongBodies += 1;
  res.end(sha256);
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://origin');
  if (pathname === '/ledger') res.end(JSON.stringify(ledger));
  else if (pathname === '/bytes')
    await sendBytes(res, Number(searchParams.get('n')), Number(searchParams.get('start')));
  else {
    note(req);
    if (pathname === '/echo') await pipeline(req, res);
    else await sink(req, res);
  }
}

async function listen(index: number): Promise<number> {
  const server: Server = createServer({ requestTimeout: 0, keepAliveTimeout: 5000 }, (req, res) => {
    res.setHeader('x-origin', index);
    res.on('error', () => undefined);
    // An agent that dies in the middle is what a soak is for.
    answer(req, res).catch(() => res.destroy());
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('headers', (headers) => headers.push(`x-origin: ${index}`));
  sockets.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data) => socket.send(data as Buffer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

endWithParent();
const ports = await Promise.all(Array.from({ length: numberArgument(0) }, (_, index) => listen(index)));
console.log(`ports ${ports.join(',')}`);
