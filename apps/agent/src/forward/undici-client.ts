import { createRequire } from 'node:module';
import type { buildConnector as BuildConnector, Client as ClientType } from 'undici';

/**
 * undici's client for one connection, without the rest of the package. The
 * package's own entry also loads fetch, WebSocket, caches and proxies: 9 MB of
 * an idle agent. The version is pinned in package.json, and the tests of the
 * agent cover the path.
 */
const load = createRequire(import.meta.url);

export const Client = load('undici/lib/dispatcher/client.js') as typeof ClientType;
export type Client = ClientType;

export const buildConnector = load('undici/lib/core/connect.js') as typeof BuildConnector;
export type Connector = BuildConnector.connector;
