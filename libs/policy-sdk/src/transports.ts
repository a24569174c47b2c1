import { type AgentHost, type AgentServer, serveGrpc, serveUnix } from '@berth/policy-agents';
import type { PolicyTls } from './options.js';
import type { Place } from './places.js';

/** How an agent is reached, and reaches gateways. */
export interface Transports {
  listen(place: Place, host: AgentHost, options: ListenOptions): Promise<AgentServer>;
  /** @returns the connection, after the host's `linked` */
  dial(place: Place, host: AgentHost, options: DialOptions): Promise<{ readonly ended: Promise<void> }>;
}

export interface ListenOptions {
  readonly tls: PolicyTls | undefined;
  /** told of proxies that could not be served */
  readonly refused: (remote: string, thrown: unknown) => void;
}

export interface DialOptions {
  readonly token: string | undefined;
  readonly tls: PolicyTls | undefined;
  readonly signal: AbortSignal;
}

/** Unix sockets with frames, and gRPC. */
export const networkTransports: Transports = {
  listen(place, host, { tls = {}, refused }) {
    if (place.kind === 'unix') return serveUnix({ path: place.path, host, refused });
    const address = place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`;
    const { cert = '', key = '', ca } = tls;
    const secured = place.tls
      ? { cert: Buffer.from(cert), key: Buffer.from(key), ca: ca === undefined ? undefined : Buffer.from(ca) }
      : undefined;
    return serveGrpc({ address, host, tls: secured, refused });
  },
  dial() {
    return Promise.reject(new Error('not there yet'));
  },
};
