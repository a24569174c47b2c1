import type { Socket } from 'node:net';
import { claimEnds } from './claimed-ends.js';
import { lookAtFirstBytes, type Verdict } from './first-bytes.js';
import { type ProxyVersions, readProxyHeader } from './proxy-header.js';

export interface ProxyHeaderOptions {
  versions: ProxyVersions;
  /** connections without a header are taken, too, as the proxy's own */
  optional: boolean;
  /** for the whole header, ms */
  timeoutMs: number;
  /** the header is taken off, and the socket shows the ends that it names; the first byte left is the client's */
  received: () => void;
  /** what comes is not what is expected, or not in time; the connection is still open, and its bytes are lost */
  refused: (why: string) => void;
}

/**
 * Takes the header of the PROXY protocol off a connection of a trusted proxy. At most 4 KiB of a connection are held.
 * One that ends before its header is whole is destroyed.
 *
 * @param socket nobody has read of it yet
 */
export function receiveProxyHeader(socket: Socket, options: ProxyHeaderOptions): void {
  const { optional, received, refused, timeoutMs, versions } = options;
  lookAtFirstBytes(socket, {
    timeoutMs,
    judge: (bytes) => judge(socket, bytes, options),
    late: (seen) => {
      // A client that waits for the service to speak first sends nothing.
      if (optional && seen === 0) received();
      else refused(`no whole PROXY header${versions === 'any' ? '' : ` of ${versions}`} came within ${timeoutMs} ms`);
    },
  });
}

function judge(socket: Socket, bytes: Buffer, options: ProxyHeaderOptions): Verdict | number {
  const { optional, received, refused, versions } = options;
  try {
    const header = readProxyHeader(bytes, versions);
    if (typeof header === 'number') return header;
    if (header !== 'none') {
      if (header.ends !== undefined) claimEnds(socket, header.ends);
      return { taken: header.length, next: received };
    }
    if (optional) return { taken: 0, next: received };
    throw new Error('it does not begin with a PROXY header');
  } catch (thrown) {
    const { message } = thrown as Error;
    return {
      taken: bytes.length,
      next: () => {
        refused(message);
      },
    };
  }
}
