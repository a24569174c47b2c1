import { BerthError } from '@berth/errors';
import { isAutomatic } from './bind-address.js';
import type { ServerField, ServerMatch } from './matching.js';
import type { PooledHttpServer } from './pooled-http-server.js';
import type { RequestHandler } from './run-handler.js';
import { createPooledServer, type HttpServerConfig } from './server-config.js';
import { ServerPool } from './server-pool.js';
import { asError } from './server-pool-error.js';

/** HTTP servers keyed by where they listen, with a handler that they can share. */
export class HttpServerPool extends ServerPool<PooledHttpServer> {
  private shared: RequestHandler | undefined;

  override store(server: PooledHttpServer): PooledHttpServer | undefined {
    if (this.shared !== undefined) server.sharedHandler = this.shared;
    return super.store(server);
  }

  /**
   * Makes a server and puts it in.
   *
   * @throws BerthError `BERTH_SERVER_POOL_ADD_FAILED` when the configuration is wrong, or the address taken
   */
  storeNew(config: HttpServerConfig): PooledHttpServer {
    try {
      const server = createPooledServer(config);
      if (!isAutomatic(server.bind) && this.has(server.key)) {
        throw new BerthError('BERTH_SERVER_EXISTS', `server already exists for ${server.key}`);
      }
      this.store(server);
      return server;
    } catch (thrown) {
      const { message } = asError(thrown);
      throw new BerthError('BERTH_SERVER_POOL_ADD_FAILED', `cannot add server ${config.name}: ${message}`, {
        cause: thrown,
      });
    }
  }

  /** Answers at all servers, and at those that come, where they have no handler of their own. */
  handler(shared: RequestHandler | undefined): void {
    this.shared = shared;
    for (const server of this) server.sharedHandler = shared;
  }

  override filter(field: ServerField, match: ServerMatch): HttpServerPool {
    return this.sharing(super.filter(field, match));
  }

  /** A pool of its own with the same servers, and the same shared handler for those that come. */
  override clone(): HttpServerPool {
    return this.sharing(super.clone());
  }

  private sharing(servers: ServerPool<PooledHttpServer>): HttpServerPool {
    const pool = new HttpServerPool();
    pool.merge(servers);
    pool.shared = this.shared;
    return pool;
  }
}
