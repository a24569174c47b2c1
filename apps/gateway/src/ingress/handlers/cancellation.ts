import { type ExchangeFailure, ResetCode } from '@berth/exchange';
import type { Cancellations } from '@berth/observability';
import type { LocalService } from '../../agents/index.js';

type Reason = keyof Cancellations;

/** Why what failed was cut off; undefined: it did not come to be cancelled, it could not be served. */
export function reasonOfFailure({ ending }: LocalService, code: ExchangeFailure['code']): Reason | undefined {
  switch (code) {
    case 'connection-lost':
      return ending ?? 'upstream_error';
    case ResetCode.timeout:
    case ResetCode.localTimeout:
      return 'timeout';
    case ResetCode.localFailed:
    case ResetCode.internal:
      return 'upstream_error';
    default:
      return undefined;
  }
}

/** Why somebody at the gateway ended what ran. A client that leaves is seen by the socket's end, which others may have brought about. */
export function reasonOfReset({ ending }: LocalService, code: ResetCode): Reason {
  return code === ResetCode.cancelled ? (ending ?? 'client_disconnect') : 'upstream_error';
}
