import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { ServicesError } from '../errors.js';
import { Abortable } from '../invocation/abortable.js';
import { logFailure } from '../invocation/failure-log.js';
import type { InvocationReply } from '../invocation/invocation.js';
import { errorReply } from '../invocation/replies.js';
import { steadyNow } from '../runtime/clock.js';
import { encodeReply } from '../wire/replies.js';
import type { WireInvocation } from '../wire/requests.js';
import type { Waiting } from './admission.js';
import type { OprcService } from './oprc-service.js';
import { type Refusal, REPLIES_FULL, refusalStatus, UNSENDABLE } from './refusals.js';

export type OprcRequest = ServerUnaryCall<WireInvocation, Buffer>;

/** One call of oprc.OprcFunction, from its whole request to its reply. */
export class OprcCall extends Abortable implements Waiting {
  private phase: 'waits' | 'runs' | 'settled' = 'waits';
  private answered = false;
  /** held for it besides what its stream counts: its reply in place of the request, or the request of a method whose caller has gone */
  private heldBytes = 0;

  constructor(
    private readonly service: OprcService,
    private readonly request: OprcRequest,
    private readonly done: sendUnaryData<Buffer>,
  ) {
    super();
    // grpc-js says "cancelled" of every call that is over.
    request.on('cancelled', this.over);
  }

  run(): boolean {
    const { request } = this.request;
    // Timers are late when there is much to do: a deadline that has passed counts without its event.
    if (this.request.cancelled || (request.deadline !== undefined && request.deadline <= steadyNow())) return false;
    this.phase = 'runs';
    this.service.running.add(this);
    let reply: Promise<InvocationReply>;
    try {
      reply = this.service.handler(request, 'server', this);
    } catch (thrown) {
      this.failed(thrown);
      return true;
    }
    reply.then(this.replied, this.failed);
    return true;
  }

  refuse(refusal: Refusal): void {
    this.answered = true;
    this.done(refusalStatus(refusal));
  }

  private readonly over = (): void => {
    this.hold(0);
    if (this.phase === 'waits') this.service.admission.leave(this);
    if (this.phase !== 'runs') return;
    const { wireBytes, deadline } = this.request.request;
    this.hold(wireBytes);
    const late = deadline !== undefined && steadyNow() >= deadline;
    this.abort(
      late
        ? new ServicesError('BERTH_SERVICE_TIMEOUT', 'the deadline of the call has passed')
        : new ServicesError('BERTH_SERVICE_CANCELLED', 'the caller has left'),
    );
  };

  private readonly replied = (reply: InvocationReply): void => {
    this.phase = 'settled';
    this.service.running.delete(this);
    this.hold(0);
    try {
      if (!this.request.cancelled && !this.answered) this.send(reply);
    } catch (thrown) {
      this.service.log.error({ err: thrown, invocationId: this.request.request.id }, 'a reply could not be sent');
      this.refuse(UNSENDABLE);
    } finally {
      this.service.admission.ended();
    }
  };

  private readonly failed = (thrown: unknown): void => {
    const { id, service, method } = this.request.request;
    this.service.log.error(
      { err: thrown, invocationId: id, service, method },
      'an invocation failed by a fault of ours',
    );
    this.replied(errorReply(id, new ServicesError('BERTH_INTERNAL', 'internal error')));
  };

  private send(reply: InvocationReply): void {
    const { guard, maxMessageBytes } = this.service;
    let bytes = encodeReply(reply);
    if (bytes.length > maxMessageBytes) bytes = this.tooLarge(reply.invocationId, bytes.length, maxMessageBytes);
    // The request is held no more, but its stream counts it until it closes.
    const more = bytes.length - this.request.request.wireBytes;
    if (!guard.fits(more)) {
      this.refuse(REPLIES_FULL);
      return;
    }
    this.hold(more);
    this.done(null, bytes);
  }

  private hold(bytes: number): void {
    if (bytes !== this.heldBytes) this.service.guard.hold(bytes - this.heldBytes);
    this.heldBytes = bytes;
  }

  /** The method is to blame, not the request. */
  private tooLarge(invocationId: string, bytes: number, limit: number): Buffer {
    const { request } = this.request;
    const error = new ServicesError(
      'BERTH_SERVICE_BAD_RESULT',
      `the result of '${request.method}' makes a reply of ${bytes} bytes; the server sends at most ${limit} (maxMessageBytes)`,
      { bytes, limit },
    );
    logFailure(this.service.log, request, error);
    return encodeReply(errorReply(invocationId, error));
  }
}
