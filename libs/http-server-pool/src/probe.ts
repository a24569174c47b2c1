import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type TcpNetConnectOpts, type IpcNetConnectOpts } from 'node:net';
import type { BindAddress } from './bind-address.js';
import type { PooledServer } from './pooled-server.js';

/** Default time for a probe, ms. */
export const PROBE_TIMEOUT_MS = 2000;

/** This process or machine could not ask: that says nothing of the server. */
const CANNOT_ASK = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM']);

/** What a probe came to. `unknown`: it could not be made. */
export interface ProbeResult {
  outcome: 'ok' | 'failed' | 'unknown';
  /** why, when it is not `ok` */
  reason?: string;
  /** how long it took */
  tookMs: number;
}

/**
 * Asks a server for a sign of life over a real connection: TCP, or an HTTP request where it has a `healthPath`, whose
 * answer has to be below 500. One of raw TCP has to accept the connection, and treats it as nobody's. Never rejects.
 *
 * @param timeoutMs above 0
 */
export async function probeServer(server: PooledServer, timeoutMs = PROBE_TIMEOUT_MS): Promise<ProbeResult> {
  const beganAt = performance.now();
  try {
    await server.probe(timeoutMs);
    return { outcome: 'ok', tookMs: performance.now() - beganAt };
  } catch (thrown) {
    const { code = '', message } = thrown as NodeJS.ErrnoException;
    const outcome = CANNOT_ASK.has(code) ? 'unknown' : 'failed';
    return { outcome, reason: message, tookMs: performance.now() - beganAt };
  }
}

/** Where a client on this machine reaches what listens there. */
export function targetOf(bind: BindAddress): TcpNetConnectOpts | IpcNetConnectOpts {
  if ('path' in bind) return { path: bind.path };
  const { host, port } = bind;
  if (host === '' || host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

/** Resolves when a connection stands: the system takes it while the server has room for it to wait. */
export function probeTcp(bind: BindAddress, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(targetOf(bind));
    const deadline = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once('connect', () => {
      resolve();
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(deadline);
    });
  });
}

/** Resolves with an answer below 500. */
export function probeHttp(scheme: string, bind: BindAddress, path: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const target = targetOf(bind);
    const where = 'path' in target ? { socketPath: target.path } : { host: target.host, port: target.port };
    // It is this process that is asked: its certificate is for its clients.
    const options = { ...where, path, agent: false as const, rejectUnauthorized: false };
    const request = (scheme === 'https' ? httpsRequest : httpRequest)(options);
    const deadline = setTimeout(() => {
      request.destroy(new Error(`GET ${path} had no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    request.once('response', ({ statusCode = 0 }) => {
      if (statusCode < 500) resolve();
      else reject(new Error(`GET ${path} was answered with ${statusCode}`));
      request.destroy();
    });
    request.on('error', reject);
    request.once('close', () => {
      clearTimeout(deadline);
    });
    request.end();
  });
}
