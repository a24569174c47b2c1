import { BerthError } from '@berth/errors';
import { bindKey, type PooledHttpServer } from './pooled-http-server.js';

/** All HTTP servers of the process, admin included, keyed by bind address. */
export class HttpServerPool {
  private readonly servers = new Map<string, PooledHttpServer>();

  get size(): number {
    return this.servers.size;
  }

  /**
   * Adds a server that listens. One that no longer does, and only lets its last
   * answers run out, gives way.
   *
   * @throws BerthError `BERTH_SERVER_EXISTS` when another listens at the address
   */
  store(server: PooledHttpServer): void {
    const key = bindKey(server.bind);
    if (this.servers.get(key)?.running === true)
      throw new BerthError('BERTH_SERVER_EXISTS', `server already exists for ${key}`);
    this.servers.set(key, server);
  }

  /** Takes a server out, without stopping it. */
  delete(server: PooledHttpServer): void {
    const key = bindKey(server.bind);
    if (this.servers.get(key) === server) this.servers.delete(key);
  }

  list(): PooledHttpServer[] {
    return [...this.servers.values()];
  }

  /** Stops all at once, whatever one of them does (checklist A7). */
  async stopAll(graceMs: number): Promise<void> {
    const servers = this.list();
    this.servers.clear();
    await Promise.allSettled(servers.map((server) => server.stop(graceMs)));
  }
}
