import { messageOf } from '@berth/errors';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { ServicesError } from '../errors.js';

/** Where NATS is, and how to get in. */
export interface NatsServer {
  /**
   * one or several of `nats://[user:password@]host[:port]`, or `tls://` with TLS, 'nats://127.0.0.1:4222'; a user alone
   * is a token. Password and token are shown nowhere
   */
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
  const urls = (typeof servers === 'string' ? [servers] : servers).map(urlOf);
  const names = urls.map(({ host }) => host).join(', ');
  const [{ user, pass } = { user: '', pass: '' }] = urls.filter((url) => url.user !== '');
  try {
    return await connect({
      // A server that refuses somebody twice may let him in later: one that has just started knows nobody yet.
      ...{ name: 'berth', reconnectTimeWait: 100, reconnectJitter: 100, pingInterval: 2_000, maxPingOut: 2 },
      ignoreAuthErrorAbort: true,
      ...(user !== '' && (pass === '' ? { token: user } : { user, pass })),
      ...(urls.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
      ...connection,
      ...{
        servers: urls.map(({ host }) => host),
        timeout: timeoutMs,
        maxReconnectAttempts: -1,
        noAsyncTraces: true,
      },
    });
  } catch (thrown) {
    throw new ServicesError(
      code,
      `no connection to NATS at ${names}, tried for ${timeoutMs} ms at most: ${messageOf(thrown)}`,
      {},
      { cause: thrown },
    );
  }
}

/** @throws ServicesError `BERTH_SERVICE_INVALID` */
function urlOf(server: string): Record<'protocol' | 'host' | 'user' | 'pass', string> {
  try {
    const { protocol, host, username, password } = new URL(server.includes('://') ? server : `nats://${server}`);
    if (['nats:', 'tls:'].includes(protocol) && host !== '')
      return { protocol, host, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  } catch {
    // What is wrong with it may be its password: it is not shown.
  }
  throw new ServicesError(
    'BERTH_SERVICE_INVALID',
    "servers must be nats://[user:password@]host[:port], or tls:// with TLS; a '%' in user and password is %25",
    { option: 'servers' },
  );
}
