import type { FlatHeaders } from './flat-headers.js';

/** What an exchange carries; numbers as on Berth's wire (`ExchangeKind`). */
export const ExchangeKind = { http: 0, upgrade: 1, tcp: 2 } as const;
export type ExchangeKind = (typeof ExchangeKind)[keyof typeof ExchangeKind];
export type ExchangeKindName = keyof typeof ExchangeKind;

/** Why an exchange ended before its End; numbers as on Berth's wire (`ResetCode`). */
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
  /** local service of the agent that is meant; empty or absent: `default` */
  service?: string;
  /** the gateway has a span of it, to which the `traceparent` among the headers leads; absent: what stands there is the client's */
  traced?: boolean;
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

const KIND_NAMES: Readonly<Record<ExchangeKind, ExchangeKindName>> = { 0: 'http', 1: 'upgrade', 2: 'tcp' };

export function exchangeKindName(kind: ExchangeKind): ExchangeKindName {
  return KIND_NAMES[kind];
}

/** What people may see of a head: not the query, which may hold secrets. */
export function describeHead({ kind, method, target }: OpenHead): {
  kind: ExchangeKindName;
  method: string;
  path: string;
} {
  const [path = ''] = target.split('?', 1);
  return { kind: KIND_NAMES[kind], method, path };
}
