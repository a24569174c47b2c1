import { request } from 'node:http';
import type { Socket } from 'node:net';
import { type CallCredentials, ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;
type Target = Parameters<ChannelCredentials['_createSecureConnector']>[0];

/** Answers to CONNECT (RFC 9110 sections 9.3.6 and 15), and what they mean here. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [403, 'lets nobody through to'],
  [405, 'lets nobody through to'],
  [407, 'wants a user and a password (http://user:password@host:port) for'],
  [502, 'cannot reach'],
  [503, 'cannot reach'],
  [504, 'cannot reach'],
]);

/** What connecting to the proxy itself can come to, as grpc-js words it. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'refuses connections'],
  [/Name resolution failed|ENOTFOUND|EAI_AGAIN/, 'has a name that cannot be resolved'],
  [/no answer/, 'did not answer'],
];

/**
 * The way to the gateway through an HTTP proxy: a tunnel by CONNECT, and what
 * the gateway's own credentials make of it inside. grpc-js dials the proxy as if
 * it were the gateway. Its own support for proxies takes them from the
 * environment, and says nothing of what went wrong.
 */
export class ProxyRoute extends ChannelCredentials {
  /** host and port to dial */
  readonly address: string;
  private readonly name: string;
  private readonly pending = new Set<Socket>();
  private established = false;
  private problem: string | undefined;

  /**
   * @param inner the credentials for the gateway
   * @param proxy `http://[user[:password]@]host:port`
   * @param gateway `host:port`
   */
  constructor(
    private readonly inner: ChannelCredentials,
    private readonly proxy: URL,
    private readonly gateway: string,
  ) {
    super();
    this.address = `${proxy.hostname}:${proxy.port || '80'}`;
    this.name = `the proxy http://${this.address}`;
  }

  /** What is in the way; undefined once the tunnel stands. Names the proxy, never its password. */
  stuckAt(details: string): string | undefined {
    if (this.established) return undefined;
    if (this.problem !== undefined) return this.problem;
    const cause = CAUSES.find(([pattern]) => pattern.test(details))?.[1] ?? 'cannot be reached';
    return `${this.name} ${cause} (proxy, or HTTPS_PROXY or HTTP_PROXY in the environment)`;
  }

  /** Ends what is still being set up. */
  close(): void {
    for (const socket of this.pending) socket.destroy();
  }

  override _isSecure(): boolean {
    return this.inner._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(target: Target, options: ChannelOptions, call?: CallCredentials): Connector {
    const toGateway = { ...options, 'grpc.http_connect_target': `dns:${this.gateway}` };
    const connector = this.inner._createSecureConnector(target, toGateway, call);
    return {
      connect: async (socket) => connector.connect(await this.openTunnel(socket)),
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => {
        connector.destroy();
      },
    };
  }

  private openTunnel(socket: Socket): Promise<Socket> {
    const { gateway, name, pending, proxy } = this;
    pending.add(socket);
    return new Promise<Socket>((resolve, reject) => {
      const fail = (problem: string): void => {
        this.problem = problem;
        reject(new Error(problem));
      };
      request({ method: 'CONNECT', path: gateway, headers: headersFor(proxy, gateway), createConnection: () => socket })
        .on('connect', ({ statusCode = 0 }, tunnel: Socket, early) => {
          if (statusCode < 200 || statusCode > 299) {
            const refusal = REFUSALS.get(statusCode) ?? 'opens no tunnel to';
            fail(`${name} ${refusal} ${gateway} (status ${statusCode})`);
            return;
          }
          this.established = true;
          tunnel.removeAllListeners();
          if (early.length > 0) tunnel.unshift(early);
          resolve(tunnel);
        })
        .on('response', ({ statusCode = 0 }) => {
          fail(`${name} does not know CONNECT (status ${statusCode})`);
        })
        .on('error', (error) => {
          fail(`${name} opened no tunnel to ${gateway}: ${error.message}`);
        })
        .end();
    }).finally(() => pending.delete(socket));
  }
}

function headersFor({ username, password }: URL, gateway: string): Record<string, string> {
  if (username === '') return { Host: gateway };
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { Host: gateway, 'Proxy-Authorization': `Basic ${Buffer.from(user).toString('base64')}` };
}
