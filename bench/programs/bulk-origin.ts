/** The service behind the relay for bodies: `GET /bytes?n=`, `POST /sink[?verify]`, `GET /small`. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { sendBytes } from '../lib/send-bytes.js';
import { endWithParent } from './lifeline.js';

const SMALL = 'ahoy '.repeat(20);

async function takeBytes(req: IncomingMessage, res: ServerResponse, verify: boolean): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (verify) hash.update(chunk);
  });
  await once(req, 'end');
  res.end(JSON.stringify({ bytes, ...(verify && { sha256: hash.digest('hex') }) }));
}

const server = createServer({ requestTimeout: 0, keepAliveTimeout: 600_000 }, (req, res) => {
  req.on('error', () => undefined);
  res.on('error', () => undefined);
  const url = new URL(req.url ?? '/', 'http://origin');
  if (url.pathname === '/bytes') {
    // A client that leaves in the middle is part of the scenarios.
    sendBytes(res, Number(url.searchParams.get('n'))).catch(() => res.destroy());
  } else if (url.pathname === '/sink') {
    takeBytes(req, res, url.searchParams.has('verify')).catch(() => res.destroy());
  } else {
    res.end(SMALL);
  }
});

endWithParent();
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`));
