import { messageOf } from '@berth/errors';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { MAX_MS } from '../definition/option-checks.js';
import { ServicesError } from '../errors.js';

/** Where NATS is, and how to get in. */
export interface NatsServer {
  /** one or several of `nats://host:port` or `tls://host:port`, 'nats://127.0.0.1:4222'; passwords are shown nowhere */
  readonly servers?: string | readonly string[] | undefined;
  /** of `@nats-io/transport-node`: user, pass, token, authenticator, tls … */
  readonly connection?: NodeConnectionOptions | undefined;
}

/**
 * A connection that is tried again for as long as it is open.
 *
 * @param timeoutMs for the first one
 * @param code of the error when there is none in time
 * @throws ServicesError `code`; `BERTH_SERVICE_INVALID` for an address that is none
 */
export async function connectNats(
  { servers = 'nats://127.0.0.1:4222', connection }: NatsServer,
  timeoutMs: number,
  code: 'BERTH_SERVICE_BUS_UNAVAILABLE' | 'BERTH_SERVICE_STORE_UNAVAILABLE',
): Promise<NatsConnection> {
  const list = typeof servers === 'string' ? [servers] : [...servers];
  const names = list.map(nameOf).join(', ');
  try {
    return await connect({
      ...{ name: 'berth', reconnectTimeWait: 100, reconnectJitter: 100, pingInterval: 2_000, maxPingOut: 2 },
      ...connection,
      ...{ servers: list, timeout: Math.min(timeoutMs, MAX_MS), maxReconnectAttempts: -1, noAsyncTraces: true },
    });
  } catch (thrown) {
    throw new ServicesError(
      code,
      `no NATS server at ${names} within ${timeoutMs} ms: ${messageOf(thrown)}`,
      {},
      { cause: thrown },
    );
  }
}

/** The address without user and password. @throws ServicesError `BERTH_SERVICE_INVALID` */
function nameOf(server: string): string {
  const url = URL.parse(server.includes('://') ? server : `nats://${server}`);
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '')
    // What is wrong with it may be its password: it is not shown.
    throw new ServicesError('BERTH_SERVICE_INVALID', 'servers must be nats://host[:port], or tls:// with TLS', {
      option: 'servers',
    });
  return url.host;
}
