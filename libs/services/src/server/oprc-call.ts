import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import { ServicesError } from '../errors.js';
import { logFailure } from '../invocation/failure-log.js';
import type { InvocationReply } from '../invocation/invocation.js';
import { errorReply } from '../invocation/replies.js';
import { steadyNow } from '../runtime/clock.js';
import { encodeReply } from '../wire/replies.js';
import type { WireInvocation } from '../wire/requests.js';
import type { DeskCall } from './desk.js';
import type { OprcService } from './oprc-service.js';
import { CUT_OFF, type Refusal, REPLIES_FULL, refusalStatus, UNSENDABLE } from './refusals.js';

export type OprcRequest = ServerUnaryCall<WireInvocation, Buffer>;

/** One call of oprc.OprcFunction, from its whole request to its reply. */
export class OprcCall extends AbortController implements DeskCall {
  private readonly invocation: WireInvocation;
  private runs = false;
  private answered = false;
  /** held for it besides what its stream counts: its reply in place of the request, or the request of a method whose caller has gone */
  private heldBytes = 0;

  constructor(
    private readonly service: OprcService,
    private readonly request: OprcRequest,
    private readonly done: sendUnaryData<Buffer>,
  ) {
    super();
    this.invocation = request.request;
    // grpc-js says "cancelled" of every call that is over.
    request.on('cancelled', this.over);
  }

  run(): boolean {
    const { invocation } = this;
    // Timers are late when there is much to do: a deadline that has passed counts without its event.
    if (this.request.cancelled || this.isLate()) return false;
    this.runs = true;
    let reply: Promise<InvocationReply>;
    try {
      reply = this.service.handler(invocation, 'server', this);
    } catch (thrown) {
      reply = Promise.reject(BerthError.from(thrown));
    }
    reply.then(this.replied, this.failed);
    return true;
  }

  refuse(refusal: Refusal): void {
    this.answered = true;
    this.done(refusalStatus(refusal));
  }

  cutOff(): void {
    this.abort(new ServicesError('BERTH_SERVICE_CANCELLED', 'the server has been stopped'));
    this.refuse(CUT_OFF);
  }

  private readonly over = (): void => {
    this.hold(0);
    this.service.desk.leave(this);
    if (!this.runs) return;
    this.hold(this.invocation.wireBytes);
    this.abort(
      this.isLate()
        ? new ServicesError('BERTH_SERVICE_TIMEOUT', 'the deadline of the call has passed')
        : new ServicesError('BERTH_SERVICE_CANCELLED', 'the caller has left'),
    );
  };

  private readonly replied = (reply: InvocationReply): void => {
    this.runs = false;
    this.hold(0);
    try {
      if (!this.request.cancelled && !this.answered) this.send(reply);
    } catch (thrown) {
      this.service.log.error({ err: thrown, invocationId: this.invocation.id }, 'a reply could not be sent');
      this.refuse(UNSENDABLE);
    } finally {
      this.service.desk.ended(this);
    }
  };

  /** A handler that breaks its promise not to reject. */
  private readonly failed = (thrown: unknown): void => {
    const failure = BerthError.from(thrown);
    logFailure(this.service.log, this.invocation, failure);
    this.replied(errorReply(this.invocation.id, failure));
  };

  private send(reply: InvocationReply): void {
    const { guard, maxMessageBytes } = this.service;
    let bytes = encodeReply(reply);
    if (bytes.length > maxMessageBytes) bytes = this.tooLarge(reply.invocationId, bytes.length);
    // The request is held no more, but its stream counts it until it closes.
    const more = bytes.length - this.invocation.wireBytes;
    if (!guard.fits(more)) {
      this.refuse(REPLIES_FULL);
      return;
    }
    this.hold(more);
    this.done(null, bytes);
  }

  private isLate(): boolean {
    const { deadline } = this.invocation;
    return deadline !== undefined && deadline <= steadyNow();
  }

  private hold(bytes: number): void {
    if (bytes !== this.heldBytes) this.service.guard.hold(bytes - this.heldBytes);
    this.heldBytes = bytes;
  }

  /** The method is to blame, not the request. */
  private tooLarge(invocationId: string, bytes: number): Buffer {
    const { log, maxMessageBytes: limit } = this.service;
    const error = new ServicesError(
      'BERTH_SERVICE_BAD_RESULT',
      `the result of '${this.invocation.method}' makes a reply of ${bytes} bytes; the server sends at most ${limit} (maxMessageBytes)`,
      { bytes, limit },
    );
    logFailure(log, this.invocation, error);
    return encodeReply(errorReply(invocationId, error));
  }
}
