import { type ExchangeFailure, ResetCode } from '@berth/exchange';

/**
 * Whether a failed exchange speaks against the connection that carried it: the
 * link broke, or the agent could not get an answer from its local service. What
 * the client, a limit or the gateway ended does not count.
 */
export function countsAgainst(code: ExchangeFailure['code']): boolean {
  switch (code) {
    case 'connection-lost':
    case ResetCode.localUnreachable:
    case ResetCode.localFailed:
    case ResetCode.localTimeout:
      return true;
    default:
      return false;
  }
}
