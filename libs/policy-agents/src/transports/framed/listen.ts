import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { removeDeadSocket } from '@berth/node-runtime';

/** Where something listens: a unix socket or a TCP port (0: any that is free). */
export type ListenAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** How long connections may take to end with their last bytes, ms. */
const CLOSE_GRACE_MS = 1000;

/**
 * Has a server listen. A socket file that nobody listens on is removed first; the new one is for this user alone.
 *
 * @returns such as `127.0.0.1:9100`, with the port that it got, or `unix:/run/x.sock`
 * @throws Error of the system (as a rejection)
 */
export async function listenOn(server: Server, address: ListenAddress): Promise<string> {
  const listens = once(server, 'listening');
  if (!('path' in address)) {
    server.listen(address.port, address.host);
    await listens;
    const { port } = server.address() as AddressInfo;
    return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`;
  }
  await removeDeadSocket(address.path);
  listenAlone(server, address.path);
  await listens;
  return `unix:${address.path}`;
}

/** The file is there when this returns, and must not be open to others before its mode is changed. */
function listenAlone(server: Server, path: string): void {
  if (!isMainThread) {
    // Node has no umask there.
    server.listen(path, () => {
      chmodSync(path, 0o600);
    });
    return;
  }
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
}

/** Lets connections end for a second, and then ends them. */
export async function closeListener(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  const patience = new AbortController();
  await Promise.race([closed, delay(CLOSE_GRACE_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
  patience.abort();
  for (const socket of sockets) socket.destroy();
  await closed;
}
