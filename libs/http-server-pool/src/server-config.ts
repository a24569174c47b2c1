import { createServer, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { BerthError, messageOf } from '@berth/errors';
import { parseBind } from './bind-address.js';
import { PooledHttpServer } from './pooled-http-server.js';
import type { RequestHandler } from './run-handler.js';

/** How often an address in use is tried: for 1.5 s in all (checklist D12). */
const BIND_ATTEMPTS = 5;
const MAX_GRACE_MS = 3_600_000;

/** One server as it is configured. */
export interface HttpServerConfig {
  /** for people and figures; unique in a list */
  name: string;
  /** where it listens, as `parseBind` reads it */
  listen: string;
  /** its address as clients write it, a URL; default: from where it listens */
  expose?: string;
  /** default: the shared handler of the list or the pool; without any, each request gets a 500 */
  handler?: RequestHandler;
  /** kept in the pool, never started */
  disabled?: boolean;
  /** certificate and the rest of TLS; false: none, though the list has a default */
  tls?: TlsOptions | false;
  /** a server without a certificate, its own or the default, is refused instead of speaking plain HTTP */
  tlsRequired?: boolean;
  /** for requests under way when it stops, 0..3600000 ms; default 5000 */
  stopGraceMs?: number;
  /** how often an address in use is tried, 1..20; default 5, which takes 1.5 s */
  bindAttempts?: number;
  /** path that health checks ask for; default: a TCP connection is enough */
  healthPath?: string;
  /** connections at once; more are dropped; default: no bound */
  maxConnections?: number;
  /** of Node's server: timeouts and limits */
  http?: Omit<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;
}

/** Everything that is wrong with a configuration by itself, one sentence each; empty: nothing. */
export function faultsOf(config: HttpServerConfig): string[] {
  const { name, listen, expose, handler, tls, tlsRequired, stopGraceMs, bindAttempts, healthPath, maxConnections } =
    config;
  const faults: string[] = [];
  if (!isText(name)) faults.push('name: must be a text that is not empty');
  if (!isText(listen)) faults.push('listen: must be an address');
  else attempt(faults, 'listen', () => parseBind(listen));
  if (expose !== undefined && !URL.canParse(expose)) faults.push(`expose: "${expose}" is not a URL`);
  if (handler !== undefined && typeof handler !== 'function') faults.push('handler: must be a function');
  checkInteger(faults, 'stopGraceMs', stopGraceMs, 0, MAX_GRACE_MS);
  checkInteger(faults, 'bindAttempts', bindAttempts, 1, 20);
  checkInteger(faults, 'maxConnections', maxConnections, 1, Number.MAX_SAFE_INTEGER);
  if (healthPath !== undefined && !healthPath.startsWith('/')) faults.push('healthPath: must begin with /');
  if (tls !== undefined && tls !== false) {
    if (hasCertificate(tls)) attempt(faults, 'tls', () => createSecureContext(tls));
    else faults.push('tls: has no certificate: give cert and key, pfx, or SNICallback');
  } else if (tlsRequired === true) {
    faults.push('tlsRequired: there is no certificate, neither its own nor a default');
  }
  return faults;
}

/**
 * Makes the server of a configuration; it does not listen yet.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID` naming everything that is wrong
 */
export function createPooledServer(config: HttpServerConfig): PooledHttpServer {
  const faults = faultsOf(config);
  if (faults.length > 0) throw new BerthError('BERTH_CONFIG_INVALID', faults.join(', '));
  const { name, listen, tls, http = {}, bindAttempts = BIND_ATTEMPTS, maxConnections, ...options } = config;
  const server = tls === undefined || tls === false ? createServer(http) : createTlsServer({ ...http, ...tls });
  if (maxConnections !== undefined) server.maxConnections = maxConnections;
  const pooled = new PooledHttpServer(name, parseBind(listen), server, { ...options, bindAttempts });
  origins.set(pooled, config);
  return pooled;
}

const origins = new WeakMap<PooledHttpServer, HttpServerConfig>();

/** What a server was made of; undefined when it came otherwise. */
export function configOf(server: PooledHttpServer): HttpServerConfig | undefined {
  return origins.get(server);
}

function hasCertificate({ cert, key, pfx, SNICallback }: TlsOptions): boolean {
  return (cert !== undefined && key !== undefined) || pfx !== undefined || SNICallback !== undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function checkInteger(faults: string[], name: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  faults.push(`${name}: must be a whole number from ${min} to ${max}`);
}

function attempt(faults: string[], name: string, check: () => unknown): void {
  try {
    check();
  } catch (thrown) {
    faults.push(`${name}: ${messageOf(thrown)}`);
  }
}
