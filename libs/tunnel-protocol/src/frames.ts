/** What an exchange carries; numbers as on the wire (`ExchangeKind`). */
export const ExchangeKind = { http: 0, upgrade: 1, tcp: 2 } as const;
export type ExchangeKind = (typeof ExchangeKind)[keyof typeof ExchangeKind];

/** Why an exchange ended before its End; numbers as on the wire (`ResetCode`). */
export const ResetCode = {
  unspecified: 0,
  cancelled: 1,
  done: 2,
  refused: 3,
  localUnreachable: 4,
  localFailed: 5,
  localTimeout: 6,
  timeout: 7,
  unsupported: 8,
  internal: 9,
  localBusy: 10,
} as const;
export type ResetCode = (typeof ResetCode)[keyof typeof ResetCode];

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

/** Name, value, name, value …: in order, case and repeats kept, one character per byte (Latin-1). */
export type FlatHeaders = string[];

/** The head of an exchange, gateway to agent. Strings are Latin-1. */
export interface OpenHead {
  kind: ExchangeKind;
  /** empty for `tcp` */
  method: string;
  /** request target as received; empty for `tcp` */
  target: string;
  headers: FlatHeaders;
  /** false: nothing follows in this direction, Open is its End as well */
  body: boolean;
}

/** The head of an answer, agent to gateway. Strings are Latin-1. */
export interface ResponseHead {
  /** 101 for an upgrade that was accepted, else 200..999 */
  status: number;
  /** reason phrase, may be empty */
  reason: string;
  headers: FlatHeaders;
}

/** An interim response, agent to gateway. */
export interface InterimHead {
  /** 100..199 without 101 */
  status: number;
  headers: FlatHeaders;
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

/** Protocol version of this code, as in `Hello.versions` and `Welcome.version`. */
export const PROTOCOL_VERSION = 1;

/** Bytes of one batch at the most; a frame larger by itself travels alone. */
export const MAX_BATCH_BYTES = 65_536;

/** Bytes of one Data frame at the most. */
export const MAX_DATA_BYTES = 32_768;

/** Highest exchange number; a connection that reaches it is replaced. */
export const MAX_EXCHANGE_ID = 0x7fffffff;

/** Feature of a side that takes CreditReturn. */
export const CREDIT_RETURN_FEATURE = 'credit_return';

/** Interim responses of one exchange at the most. */
export const MAX_INFORMATIONAL = 64;

/** Bytes of all Informational messages of one exchange at the most: no credit covers them. */
export const MAX_INFORMATIONAL_BYTES = 65_536;

/** The same for all exchanges of a connection that live at once; what comes beyond is not passed on. */
export const MAX_CONNECTION_INFORMATIONAL_BYTES = 4_194_304;

/** Bytes of one Head or Informational message, or of the trailers of an End, at the most. */
export const MAX_HEAD_BYTES = 65_536;
