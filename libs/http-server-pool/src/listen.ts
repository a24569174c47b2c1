import type { AddressInfo, ListenOptions, Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { BerthError, messageOf } from '@berth/errors';
import { removeDeadSocket } from '@berth/node-runtime';
import { type BindAddress, bindKey, isAutomatic } from './bind-address.js';

/** How often an address is tried that is in use. */
export interface BindPatience {
  /** 1 or more */
  attempts: number;
  /** before the second attempt, ms; doubled for each one after it */
  delayMs: number;
  /** ends the waiting */
  signal: AbortSignal;
}

/**
 * Connections that wait to be accepted; the system may allow fewer. With Node's
 * 511 a thousand clients that come back together wait for TCP's retries, up to 15 s.
 */
const BACKLOG = 4096;

/**
 * Has a server listen; an address in use is tried again (checklist D12), a socket file that nobody listens on is removed.
 *
 * @returns the address with the port that it got
 * @throws BerthError `BERTH_SERVER_START_FAILED` with the system's error as its cause
 */
export async function listen(server: Server, address: BindAddress, patience: BindPatience): Promise<BindAddress> {
  let waitMs = patience.delayMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await listenOnce(server, address);
      break;
    } catch (thrown) {
      if (attempt < patience.attempts && isInUse(thrown) && (await waited(waitMs, patience.signal))) {
        waitMs *= 2;
        continue;
      }
      const tries = attempt === 1 ? '' : ` after ${attempt} attempts`;
      const message = `cannot listen on ${bindKey(address)}${tries}: ${listenFault(thrown)}`;
      throw new BerthError('BERTH_SERVER_START_FAILED', message, { cause: thrown });
    }
  }
  return boundTo(server, address);
}

/** What the system's reasons for not listening mean, and what helps. */
const FAULTS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'something else listens there: stop it, or choose another port'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['EACCES', 'this user may not use that port: choose one above 1023, or give the right to it (CAP_NET_BIND_SERVICE)'],
  ['ENOTFOUND', 'no such name is known'],
  ['EAI_AGAIN', 'the name cannot be looked up now'],
  ['EMFILE', 'the process has no descriptors left (LimitNOFILE, ulimit -n)'],
]);

/** Faults of an address, whatever the port. */
const OF_ADDRESS = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']);

/** Why a server does not listen, in words; the system's code stands behind them. @param thrown by whatever listens */
export function listenFault(thrown: unknown): string {
  const message = messageOf(thrown);
  const code = (thrown as NodeJS.ErrnoException).code ?? /\bE[A-Z_]{4,}\b/.exec(message)?.[0] ?? '';
  const words = FAULTS.get(code);
  return words === undefined ? message : `${words} (${code})`;
}

/** Whether it fails on every port of the address. @param thrown as {@link listen} throws it */
export function isAddressFault(thrown: unknown): boolean {
  const { cause } = thrown as { cause?: NodeJS.ErrnoException };
  return OF_ADDRESS.has(cause?.code ?? '');
}

/** The address of a server that listens, with the port that it got. */
export function boundTo(server: Server, address: BindAddress): BindAddress {
  if (!isAutomatic(address) || 'path' in address) return address;
  return { host: address.host, port: (server.address() as AddressInfo).port };
}

/** @returns false when the wait was ended before its time */
function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false);
}

function isInUse(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'EADDRINUSE';
}

async function listenOnce(server: Server, address: BindAddress): Promise<void> {
  if ('path' in address) {
    await removeDeadSocket(address.path);
    await bound(server, { path: address.path, backlog: BACKLOG });
    return;
  }
  const { host, port: first, lastPort = first } = address;
  for (let port = first; ; port += 1) {
    try {
      await bound(server, { ...(host === '' ? {} : { host }), port, backlog: BACKLOG });
      return;
    } catch (thrown) {
      if (port === lastPort || !isInUse(thrown)) throw thrown;
    }
  }
}

function bound(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off('listening', listens);
      reject(error);
    };
    const listens = (): void => {
      server.off('error', failed);
      resolve();
    };
    server.once('error', failed);
    server.once('listening', listens);
    server.listen(options);
  });
}
