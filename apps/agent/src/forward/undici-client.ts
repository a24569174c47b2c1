import { createRequire } from 'node:module';
import type { buildConnector as BuildConnector, Pool as PoolType } from 'undici';

/**
 * undici's connection pool without the rest of the package. The package's own
 * entry also loads fetch, WebSocket, caches and proxies: 9 MB of an idle agent.
 * The version is pinned in package.json, and the tests of the agent cover the path.
 */
const load = createRequire(import.meta.url);

export const Pool = load('undici/lib/dispatcher/pool.js') as typeof PoolType;
export type Pool = PoolType;

export const buildConnector = load('undici/lib/core/connect.js') as typeof BuildConnector;
export type Connector = BuildConnector.connector;
