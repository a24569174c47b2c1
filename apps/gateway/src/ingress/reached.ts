import { type ExchangeFailure, type OpenedExchange, ResetCode } from '@berth/exchange';

/** Says at each error that Berth answers whether the request may have got to the local service. */
export const REACHED_HEADER = 'Berth-Request-Reached';

/** `no`: it may be sent again, whatever it asks for. */
export type Reached = 'no' | 'maybe';

/** Agents end an exchange so before anything of it gets to their local service (docs/protocol.md, Enums). */
const NOT_BEGUN: readonly ExchangeFailure['code'][] = [
  ResetCode.refused,
  ResetCode.localBusy,
  ResetCode.localUnreachable,
  ResetCode.unsupported,
];

/** Whether a request may have got to the local service before its exchange failed. */
export function mayHaveReached({ code, mayHaveReached: before = false }: ExchangeFailure): boolean {
  return before || !NOT_BEGUN.includes(code);
}

/**
 * What the client of a failed request is told.
 *
 * @param exchange the last one that was opened for it; undefined: none was
 */
export function reachedBy(failure: ExchangeFailure, exchange: OpenedExchange | undefined): Reached {
  if (exchange === undefined) return 'no';
  return mayHaveReached(failure) || exchange.headReceived ? 'maybe' : 'no';
}
