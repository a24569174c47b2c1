import { connect } from 'node:net';

/** Whether something accepts connections on a port of this machine. */
export async function portOpens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A GET for JSON; anything but a 2xx answer counts as none. */
export async function getJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000), headers: { connection: 'close' } });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}
