import { HttpServerPool, type HttpServerConfig, type PooledHttpServer, type RequestHandler } from '../src/index.js';

/** A pool of servers on free ports of 127.0.0.1, in which addresses in use are tried once; it ends with its block. */
export function labPool(...configs: Partial<HttpServerConfig>[]): HttpServerPool & AsyncDisposable {
  const pool = new HttpServerPool();
  for (const config of configs) pool.storeNew(serverConfig(config));
  return Object.assign(pool, {
    [Symbol.asyncDispose]: async () => {
      await pool.stop(0).catch(() => undefined);
    },
  });
}

export function serverConfig(config: Partial<HttpServerConfig> = {}): HttpServerConfig {
  return { name: 'test', listen: '127.0.0.1:0', bindAttempts: 1, ...config };
}

/** A handler that always gives the same answer. */
export function says(text: string): RequestHandler {
  return (_, response) => response.end(text);
}

/** The server of that name. */
export function of(pool: HttpServerPool, name: string): PooledHttpServer {
  const [server] = pool.filter('name', { exact: name });
  if (server === undefined) throw new Error(`no server ${name}`);
  return server;
}
