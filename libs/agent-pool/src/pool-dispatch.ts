import { BerthError } from '@berth/errors';
import { type Dispatch, type DispatchSink, type ExchangeRequest, ResetCode, type Waiting } from '@berth/exchange';
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
    const { except, replicaId } = request;
    // Nobody overtakes those who wait; and while nobody does, nothing is made for waiting.
    const member = except !== undefined || admission.waiting === 0 ? pool.pick(except, replicaId) : undefined;
    if (member !== undefined) begin(pool, member, request, sink);
    else if (except !== undefined) refuse(sink, pool.refusal(except));
    else new WaitingExchange(pool, admission, request, sink).enter();
  };
}

function begin(pool: AgentPool, member: Member<AgentConnection>, request: ExchangeRequest, sink: DispatchSink): void {
  let exchange;
  try {
    exchange = pool.openOn(member, request.openHead, sink);
  } catch (thrown) {
    refuse(sink, BerthError.from(thrown));
    return;
  }
  sink.opened(exchange);
}

function refuse(sink: DispatchSink, error: BerthError): void {
  sink.failed({ code: ResetCode.refused, message: error.message, error });
}

/** One that may have to wait; see {@link Admission}. */
class WaitingExchange implements Entrant<AgentConnection>, Waiting {
  private place: Place<AgentConnection> | undefined;

  constructor(
    private readonly pool: AgentPool,
    private readonly admission: Admission<AgentConnection>,
    private readonly request: ExchangeRequest,
    private readonly sink: DispatchSink,
  ) {}

  get replicaId(): string | undefined {
    return this.request.replicaId;
  }

  enter(): void {
    this.place = this.admission.enter(this.request.clientAddress, this);
    if (this.place !== undefined) this.sink.waiting(this);
  }

  begin(member: Member<AgentConnection>): void {
    begin(this.pool, member, this.request, this.sink);
  }

  refused(error: BerthError): void {
    refuse(this.sink, error);
  }

  cancel(): void {
    if (this.place !== undefined) this.admission.cancel(this.place);
  }
}
