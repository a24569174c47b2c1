import type { TlsOptions } from 'node:tls';
import { BerthError } from '@berth/errors';
import { isAutomatic, keyOf, parseBind } from './bind-address.js';
import { HttpServerPool } from './http-server-pool.js';
import type { RequestHandler } from './run-handler.js';
import { createPooledServer, faultsOf, type HttpServerConfig } from './server-config.js';
import { type ServerFailure, ServerPoolError } from './server-pool-error.js';

/** A list of configurations, and what holds for all of them (checklist D9). */
export class HttpServerConfigs implements Iterable<HttpServerConfig> {
  private handler: RequestHandler | undefined;
  private defaultTls: TlsOptions | undefined;

  constructor(private readonly entries: readonly HttpServerConfig[]) {}

  /** With what holds for all of them, where an entry does not say otherwise. */
  *[Symbol.iterator](): Iterator<HttpServerConfig> {
    const { handler, defaultTls } = this;
    for (const entry of this.entries) {
      yield {
        ...(handler === undefined ? {} : { handler }),
        ...(defaultTls === undefined ? {} : { tls: defaultTls }),
        ...entry,
      };
    }
  }

  /** The handler of all entries that have none. */
  setHandler(handler: RequestHandler): this {
    this.handler = handler;
    return this;
  }

  /** The certificate of all entries that have none and do not refuse it with `tls: false`. */
  setDefaultTls(tls: TlsOptions): this {
    this.defaultTls = tls;
    return this;
  }

  /**
   * @param visit returns false to end the walk
   * @returns whether it came to the end
   */
  walk(visit: (config: HttpServerConfig) => unknown): boolean {
    for (const config of this) if (visit(config) === false) return false;
    return true;
  }

  /** @throws ServerPoolError `BERTH_SERVER_POOL_VALIDATE_FAILED` naming every fault of every entry */
  validate(): void {
    const { error } = this.sorted();
    if (error !== undefined) throw error;
  }

  /**
   * A pool of the valid ones, not started, and what is wrong with the others.
   *
   * @param pool takes them; default: a new one
   */
  build(pool = new HttpServerPool()): { pool: HttpServerPool; error: ServerPoolError | undefined } {
    const { valid, error } = this.sorted();
    for (const config of valid) pool.store(createPooledServer(config));
    return { pool, error };
  }

  private sorted(): { valid: HttpServerConfig[]; error: ServerPoolError | undefined } {
    const owners = new Map<string, string>();
    const names = new Set<string>();
    const valid: HttpServerConfig[] = [];
    const failures: ServerFailure[] = [];
    for (const [place, config] of [...this].entries()) {
      const faults = faultsOf(config);
      if (faults.length === 0) faults.push(...clashes(config, owners, names));
      if (faults.length === 0) {
        valid.push(config);
        continue;
      }
      const message = faults.join(', ');
      const name = typeof config.name === 'string' && config.name !== '' ? config.name : `entry ${place + 1}`;
      failures.push({ name, bind: config.listen, error: new BerthError('BERTH_CONFIG_INVALID', message) });
    }
    if (failures.length === 0) return { valid, error: undefined };
    const total = this.entries.length;
    return { valid, error: new ServerPoolError('BERTH_SERVER_POOL_VALIDATE_FAILED', 'are not valid', failures, total) };
  }
}

/** Names and addresses that earlier entries have. A disabled one has its address, too: it may be enabled. */
function clashes({ name, listen }: HttpServerConfig, owners: Map<string, string>, names: Set<string>): string[] {
  const faults: string[] = [];
  if (names.has(name)) faults.push(`name: there is another server "${name}"`);
  names.add(name);
  if (isAutomatic(parseBind(listen))) return faults;
  const key = keyOf(listen);
  const owner = owners.get(key);
  if (owner !== undefined) faults.push(`listen: ${key} belongs to server "${owner}"`);
  else owners.set(key, name);
  return faults;
}
