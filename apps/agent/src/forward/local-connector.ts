import type { LocalTarget } from './local-target.js';
import { buildConnector, type Connector } from './undici-client.js';
import { repairSocket, skipContinue } from './undici-repairs.js';

/**
 * Opens undici's connections to the local service.
 *
 * @param timeoutMs until a connection must stand, 1 to 2147483647
 */
export function localConnector({ serverName, socketPath, tls }: LocalTarget, timeoutMs: number): Connector {
  const connect = buildConnector({
    ...tls,
    timeout: timeoutMs,
    allowH2: false,
    ...(socketPath === undefined ? {} : { socketPath }),
  });
  // undici's own name comes from the client's Host where the request names none.
  return ({ servername: _unused, ...rest }, callback) => {
    connect(serverName === undefined ? rest : { ...rest, servername: serverName }, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      repairSocket(socket);
      callback(null, socket);
      skipContinue(socket);
    });
  };
}
