import { type DispatchSink, type ExchangeFailure, LastingExchange, ResetCode } from '@berth/exchange';
import type { Cancellations } from '@berth/observability';
import type { LocalService } from '../../agents/index.js';

export type Reason = keyof Cancellations;

/** For handlers that tell of exchanges which are cut off before their end, and why. */
export abstract class CancellableExchange extends LastingExchange {
  constructor(
    sink: DispatchSink,
    protected readonly local: LocalService,
  ) {
    super(sink);
  }

  /** Called each time that somebody cuts it off: a client and the gateway may both do so. */
  protected abstract cutOff(reason: Reason): void;

  override cancel(): void {
    if (this.isOver) return;
    this.cutOff(this.local.ending ?? 'client_disconnect');
    super.cancel();
  }

  override failed(failure: ExchangeFailure): void {
    const reason = this.hasOpened ? reasonOfFailure(this.local, failure.code) : undefined;
    if (reason !== undefined) this.cutOff(reason);
    super.failed(failure);
  }

  override reset(code: ResetCode, message?: string): void {
    if (!this.next.closed) this.cutOff(reasonOfReset(this.local, code));
    this.next.reset(code, message);
  }
}

/** Why what failed was cut off; undefined: it did not come to be cancelled, it could not be served. */
function reasonOfFailure({ ending }: LocalService, code: ExchangeFailure['code']): Reason | undefined {
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
function reasonOfReset({ ending }: LocalService, code: ResetCode): Reason {
  return code === ResetCode.cancelled ? (ending ?? 'client_disconnect') : 'upstream_error';
}
