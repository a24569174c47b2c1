import { BerthError } from '@berth/errors';
import {
  type Dispatch,
  type DispatchSink,
  ExchangeDecorator,
  type ExchangeRequest,
  ResetCode,
  type Waiting,
} from '@berth/exchange';
import type { AgentConnection } from './agent-connection.js';
import type { AgentPool } from './agent-pool.js';
import type { Admission, Entrant, Waiting as Place } from './flow/admission.js';
import type { Member } from './member.js';

/**
 * Opens exchanges on the connections of a pool, at once or when there is room:
 * the innermost `Dispatch` of a chain of handlers. A second try does not wait.
 */
export function poolDispatch(pool: AgentPool, admission: Admission<AgentConnection>): Dispatch {
  return (request, sink) => {
    new PooledExchange(sink, pool, admission, request).enter();
  };
}

class PooledExchange extends ExchangeDecorator implements Entrant<AgentConnection>, Waiting {
  private place: Place<AgentConnection> | undefined;

  constructor(
    sink: DispatchSink,
    private readonly pool: AgentPool,
    private readonly admission: Admission<AgentConnection>,
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
    this.place = this.admission.enter(clientAddress, this);
    if (this.place !== undefined) this.sink.waiting(this);
  }

  begin(member: Member<AgentConnection>): void {
    let exchange;
    try {
      exchange = this.pool.openOn(member, this.request.openHead, this);
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
    if (this.place !== undefined) this.admission.cancel(this.place);
  }

  override discard(): void {
    super.discard();
    if (this.admission.waiting > 0) this.admission.wake();
  }
}
