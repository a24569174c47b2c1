import { BerthError } from '@berth/errors';
import {
  type Dispatch,
  type DispatchSink,
  ExchangeDecorator,
  type ExchangeFailure,
  type ExchangeRequest,
  ResetCode,
  type ResponseHead,
  type Waiting,
} from '@berth/exchange';
import type { AgentConnection } from './agent-connection.js';
import type { AgentPool } from './agent-pool.js';
import type { Admission, Entrant, Waiting as WaitingEntrant } from './flow/admission.js';
import type { Member } from './member.js';

export interface PoolDispatchOptions {
  /** lets exchanges in, or has them wait */
  admission: Admission<AgentConnection>;
  /** whether an answer counts as a failure of its replica, such as a 5xx where that is configured */
  isFault: (status: number) => boolean;
  /** monotonic ms */
  now: () => number;
}

/**
 * Opens exchanges on the connections of a pool, and tells the pool what became
 * of each: the innermost `Dispatch` of a chain of handlers. A second try does
 * not wait for room.
 */
export function poolDispatch(pool: AgentPool, options: PoolDispatchOptions): Dispatch {
  return (request, sink) => {
    new PooledExchange(sink, pool, options, request).enter();
  };
}

class PooledExchange extends ExchangeDecorator implements Entrant<AgentConnection>, Waiting {
  private member: Member<AgentConnection> | undefined;
  private beganAt = 0;
  private place: WaitingEntrant<AgentConnection> | undefined;

  constructor(
    sink: DispatchSink,
    private readonly pool: AgentPool,
    private readonly options: PoolDispatchOptions,
    private readonly request: ExchangeRequest,
  ) {
    super(sink);
  }

  enter(): void {
    const { clientAddress, except } = this.request;
    if (except !== undefined) {
      const member = this.pool.pick(except);
      if (member === undefined) this.refused(this.pool.refusal(except));
      else this.begin(member);
      return;
    }
    this.place = this.options.admission.enter(clientAddress, this);
    if (this.place !== undefined) this.sink.waiting(this);
  }

  // --- while it waits ----------------------------------------------------------

  begin(member: Member<AgentConnection>): void {
    this.member = member;
    this.beganAt = this.options.now();
    member.began();
    let exchange;
    try {
      exchange = member.connection.open(this.request.open, this);
    } catch (thrown) {
      this.refused(BerthError.from(thrown));
      return;
    }
    this.opened(exchange);
  }

  refused(error: BerthError): void {
    this.sink.failed({ code: ResetCode.refused, message: error.message, error });
  }

  cancel(): void {
    if (this.place !== undefined) this.options.admission.cancel(this.place);
  }

  // --- what becomes of it ------------------------------------------------------

  override head(head: ResponseHead): void {
    const now = this.options.now();
    if (this.options.isFault(head.status)) this.member?.faulted(now - this.beganAt, now);
    else this.member?.answered(now - this.beganAt, now);
    this.sink.head(head);
  }

  override failed(failure: ExchangeFailure): void {
    const now = this.options.now();
    this.member?.failed(failure.code, now - this.beganAt, now);
    this.sink.failed(failure);
  }

  override discard(): void {
    super.discard();
    const { admission } = this.options;
    if (admission.waiting > 0) admission.wake();
  }
}
