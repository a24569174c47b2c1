import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { ServerHttp2Stream } from 'node:http2';
import { ServicesError } from '../errors.js';
import { Abortable } from '../invocation/abortable.js';
import { logFailure } from '../invocation/failure-log.js';
import type { InvocationReply } from '../invocation/invocation.js';
import { errorReply } from '../invocation/replies.js';
import type { Waiting } from './admission.js';
import type { OprcService } from './oprc-service.js';
import type { Account } from './stream-guard.js';
import { type Refusal, REPLIES_FULL, refusalStatus, UNSENDABLE } from './refusals.js';
import { encodeReply } from '../wire/replies.js';
import type { WireInvocation } from '../wire/requests.js';
import { steadyNow } from '../runtime/clock.js';

export type OprcRequest = ServerUnaryCall<WireInvocation, Buffer>;

/** One call of oprc.OprcFunction, from its whole request to its reply. */
export class OprcCall extends Abortable implements Waiting {
  private watched = false;
  /** the handler is done */
  private settled = false;
  private answered = false;
  private readonly account: Account | undefined;

  constructor(
    private readonly service: OprcService,
    private readonly request: OprcRequest,
    private readonly done: sendUnaryData<Buffer>,
    stream: ServerHttp2Stream,
  ) {
    super();
    this.account = service.guard.taken(stream, this);
  }

  /** Leaves the queue when its caller does, or its deadline comes. */
  waits(): void {
    this.request.once('cancelled', () => {
      if (this.service.admission.leave(this)) this.release();
    });
  }

  run(): boolean {
    const { request } = this.request;
    // Timers are late when there is much to do: a deadline that has passed counts without its event.
    if (this.request.cancelled || (request.deadline !== undefined && request.deadline <= steadyNow())) {
      this.release();
      return false;
    }
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
    this.release();
    this.done(refusalStatus(refusal));
  }

  /** Tells the handler, if it asked, that nobody waits for it any more. */
  override abort(reason: ServicesError): void {
    if (!this.settled) super.abort(reason);
  }

  override get signal(): AbortSignal {
    if (!this.watched) {
      this.watched = true;
      if (this.request.cancelled) this.abort(this.left());
      else if (!this.settled) this.listen();
    }
    return super.signal;
  }

  private listen(): void {
    const { abortable } = this.service;
    abortable.add(this);
    // grpc-js says "cancelled" of every call that is over.
    this.request.once('cancelled', () => {
      abortable.delete(this);
      this.abort(this.left());
    });
  }

  private left(): ServicesError {
    const { deadline } = this.request.request;
    return deadline !== undefined && steadyNow() >= deadline
      ? new ServicesError('BERTH_SERVICE_TIMEOUT', 'the deadline of the call has passed')
      : new ServicesError('BERTH_SERVICE_CANCELLED', 'the caller has left');
  }

  private readonly replied = (reply: InvocationReply): void => {
    this.settled = true;
    try {
      if (this.request.cancelled || this.answered) this.release();
      else this.send(reply);
    } catch (thrown) {
      this.service.log.error({ err: thrown, invocationId: this.request.request.id }, 'a reply could not be sent');
      this.refuse(UNSENDABLE);
    } finally {
      this.service.admission.ended();
    }
  };

  /** Nobody needs the request any more. */
  release(): void {
    this.service.guard.released(this.account, 0);
  }

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
    if (!guard.fits(bytes.length)) {
      this.refuse(REPLIES_FULL);
      return;
    }
    guard.released(this.account, bytes.length);
    this.done(null, bytes);
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
