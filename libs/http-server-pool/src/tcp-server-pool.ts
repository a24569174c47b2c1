import type { PooledTcpServer } from './pooled-tcp-server.js';
import { ServerPool } from './server-pool.js';

/** Servers of raw TCP keyed by where they listen. */
export class TcpServerPool extends ServerPool<PooledTcpServer> {}
