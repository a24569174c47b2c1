/** Why a side wants no more exchanges; numbers as on the wire (`GoawayReason`). */
export const GoawayReason = {
  unspecified: 0,
  shutdown: 1,
  replaced: 2,
  disconnected: 3,
  idExhausted: 4,
  agentLeaving: 5,
} as const;
export type GoawayReason = (typeof GoawayReason)[keyof typeof GoawayReason];

/** In a word, for logs; a number of a newer peer that is not known here stays a number. */
export function goawayReasonName(reason: GoawayReason): string {
  const known = Object.entries(GoawayReason).find(([, number]) => number === reason);
  return known?.[0].replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) ?? String(reason);
}

/** What one side of a connection is ready to take. */
export interface PeerLimits {
  /** exchanges at once on this connection */
  maxExchanges: number;
  /** bytes of Data that each exchange may receive before the first Credit */
  initialWindowBytes: number;
}

/** First frame of an agent; see tunnel.proto. */
export interface Hello {
  versions: number[];
  agentId: string;
  token: string;
  features: string[];
  limits: PeerLimits;
  connections: number;
  metadata: Record<string, string>;
  instanceId: string;
  softwareVersion: string;
  portKind: string;
  services: LocalServiceOffer[];
}

/** A local service that wants a port; see tunnel.proto. */
export interface LocalServiceOffer {
  name: string;
  kind: string;
  port: number;
  healthPath: string;
  /** its port is to listen on the gateway's loopback alone */
  loopback?: boolean;
}

/** What became of a local service's wish: with port 0 none, for the reason that `code` and `message` say. */
export interface ServicePort {
  name: string;
  port: number;
  scheme: string;
  code: string;
  message: string;
  /** there may be one later; older gateways do not say */
  retryable?: boolean;
}

/** The gateway's yes; see tunnel.proto. */
export interface Welcome {
  version: number;
  connectionId: string;
  port: number;
  host: string;
  limits: PeerLimits;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  features: string[];
  scheme: string;
  ports: ServicePort[];
}

/** The gateway's no; see tunnel.proto. */
export interface Refused {
  code: string;
  message: string;
  retryable: boolean;
}

export interface Goaway {
  reason: GoawayReason;
  deadlineMs: number;
  reconnect: boolean;
}

/** What an agent reports of itself; numbers as on the wire (`HealthState`). */
export const HealthCode = { unspecified: 0, healthy: 1, degraded: 2, draining: 3, unhealthy: 4 } as const;
export type HealthCode = (typeof HealthCode)[keyof typeof HealthCode];

export interface Health {
  state: HealthCode;
  /** for people */
  message: string;
  /** local service that is meant; empty: the whole connection */
  service: string;
}

export interface Capacity {
  /** exchanges at once on the connection from now on */
  maxExchanges: number;
}

export interface Histogram {
  /** upper bounds of the buckets, rising, without the infinite one */
  bounds: number[];
  /** of each bucket alone: one more than bounds */
  counts: number[];
  sum: number;
}

/** Figures of an agent, by names that may carry labels as Prometheus writes them. */
export interface MetricsReport {
  gauges: Record<string, number>;
  /** totals since the agent started */
  counters: Record<string, number>;
  histograms: Record<string, Histogram>;
}

export interface ConfigPush {
  pushId: string;
  configJson: string;
}

export interface ConfigAck {
  pushId: string;
  accepted: boolean;
  /** for people, when it was not accepted */
  error: string;
}

/** What a connection serves from now on; see tunnel.proto. */
export interface ServiceList {
  /** for the answer */
  number: number;
  services: LocalServiceOffer[];
}

/** What became of a {@link ServiceList}. */
export interface ServiceListReply {
  number: number;
  ports: ServicePort[];
}

/** Protocol version of this code, as in `Hello.versions` and `Welcome.version`. */
export const PROTOCOL_VERSION = 1;

/**
 * Bytes of one batch at the most; a frame larger by itself travels alone. What
 * one read of a socket brings, 64 KiB, fits with its frames.
 */
export const MAX_BATCH_BYTES = 65_664;

/** Bytes of one Data frame at the most. */
export const MAX_DATA_BYTES = 32_768;

/** Highest exchange number; a connection that reaches it is replaced. */
export const MAX_EXCHANGE_ID = 0x7fffffff;

/** Feature of a side that takes CreditReturn. */
export const CREDIT_RETURN_FEATURE = 'credit_return';

/** Local services of one agent at the most. */
export const MAX_SERVICES = 64;

/** Optional abilities of an agent, as it announces them: its frames of that kind may come. */
export const AGENT_FEATURES = {
  health: 'health_reporting',
  flow: 'flow_control',
  metrics: 'metrics_export',
  config: 'config_push',
  services: 'service_updates',
} as const;

/** Interim responses of one exchange at the most. */
export const MAX_INFORMATIONAL = 64;

/** Bytes of all Informational messages of one exchange at the most: no credit covers them. */
export const MAX_INFORMATIONAL_BYTES = 65_536;

/** The same for all exchanges of a connection that live at once; what comes beyond is not passed on. */
export const MAX_CONNECTION_INFORMATIONAL_BYTES = 4_194_304;

/** Bytes of one Head or Informational message, or of the trailers of an End, at the most. */
export const MAX_HEAD_BYTES = 65_536;
