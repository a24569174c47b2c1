import {
  type AgentCapabilities,
  type AgentHost,
  type AgentServer,
  dialReverse,
  type ProxyLink,
  serveGrpc,
  serveUnix,
} from '@berth/policy-agents';
import type { PolicyTls } from './options.js';
import type { Place } from './places.js';

/** How an agent is reached, and reaches gateways. */
export interface Transports {
  listen(place: Place, host: AgentHost, options: ListenOptions): Promise<AgentServer>;
  dial(place: Place, options: DialOptions): Promise<ProxyLink>;
}

export interface ListenOptions {
  readonly tls: PolicyTls | undefined;
  /** told of proxies that could not be served */
  readonly refused: (remote: string, thrown: unknown) => void;
}

export interface DialOptions {
  readonly capabilities: AgentCapabilities;
  readonly token: string | undefined;
  readonly tls: PolicyTls | undefined;
  readonly signal: AbortSignal;
}

/** For a gateway to be reached and to answer. */
const DIAL_MS = 10_000;

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
  dial(place, { capabilities, token, tls: { ca, cert, key } = {}, signal }) {
    const pem = (text: string | undefined): Buffer | undefined => (text === undefined ? undefined : Buffer.from(text));
    return dialReverse({
      address: place.kind === 'unix' ? { path: place.path } : { host: place.host, port: place.port },
      tls: place.kind === 'tcp' && place.tls ? { ca: pem(ca), cert: pem(cert), key: pem(key) } : undefined,
      registration: { agentId: capabilities.agentId, capabilities, token, metadata: undefined },
      timeoutMs: DIAL_MS,
      signal,
    });
  },
};
