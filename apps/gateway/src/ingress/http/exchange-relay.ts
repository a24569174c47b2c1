import type { BerthError } from '@berth/errors';
import {
  type PeerSocket,
  type DispatchSink,
  type ExchangeFailure,
  type ExchangeRequest,
  type FlatHeaders,
  type InterimHead,
  type OpenedExchange,
  type OpenHead,
  requestIdOf,
  ResetCode,
  type ResponseHead,
  type Waiting,
} from '@berth/exchange';
import { FramingError } from '@berth/http-rules';
import { newRequestId } from '@berth/http-server-pool';
import { errorOfFailure, unusableAnswer } from '../failures.js';
import { type Reached, reachedBy } from '../reached.js';
import type { AnswerOwner } from './answer-writer.js';
import { errorHead } from './error-responses.js';
import type { IngressContext } from './ingress-context.js';

/** What every request of HTTP has in common on its way through an exchange, whatever version its client speaks. */
export abstract class ExchangeRelay implements ExchangeRequest, DispatchSink, AnswerOwner {
  /** undefined: not yet, or never */
  exchange: OpenedExchange | undefined;
  /** what the request ended with, where it was not the agent's answer */
  error: BerthError | undefined;
  protected wait: Waiting | undefined;
  private id: string | undefined;
  /** for the head of an error answer, from the handler that refused */
  private errorFields: FlatHeaders | undefined;

  constructor(
    protected readonly context: IngressContext,
    readonly openHead: OpenHead,
  ) {}

  abstract get peer(): PeerSocket | undefined;
  abstract get clientAddress(): string;
  abstract get protocol(): string;

  opened(exchange: OpenedExchange): void {
    this.exchange = exchange;
    this.wait = undefined;
  }

  waiting(wait: Waiting): void {
    this.wait = wait;
  }

  abstract informational(head: InterimHead): void;
  abstract head(head: ResponseHead): void;
  abstract data(bytes: Buffer): void;
  abstract end(trailers: FlatHeaders | undefined): void;
  abstract writable(): void;

  failed(failure: ExchangeFailure): void {
    this.errorFields = failure.fields;
    this.fail(errorOfFailure(this.context.service.id, failure), reachedBy(failure, this.exchange));
  }

  contradicted(what: string): void {
    this.giveUp(what, what);
  }

  unsendable(thrown: unknown): void {
    const why = thrown instanceof FramingError ? thrown.message : 'its head is not valid HTTP';
    this.giveUp('the response cannot be relayed', why);
  }

  /** Ends the request with an error answer, or visibly broken once a head is out. */
  protected abstract answerError(error: BerthError, reached?: Reached): void;

  protected errorHead(error: BerthError, reached: Reached): FlatHeaders {
    return errorHead(error, reached, this.context.options.retryAfterSeconds, this.errorFields);
  }

  /** What came of the agent is nothing for a client. */
  protected giveUp(reason: string, why: string): void {
    this.exchange?.reset(ResetCode.internal, reason);
    this.fail(unusableAnswer(this.context.service.id, why));
  }

  protected fail(error: BerthError, reached?: Reached): void {
    this.error = error;
    this.answerError(error, reached);
  }

  /** The client is gone, or has its answer. */
  protected leave(): void {
    const { exchange } = this;
    this.wait?.cancel();
    if (exchange === undefined) return;
    exchange.reset(ResetCode.cancelled, 'the client left');
    exchange.discard();
  }

  /** Made when it is first asked for: from then on the answer is about this try. */
  get requestId(): string {
    const { exchange } = this;
    return (this.id ??= exchange === undefined ? newRequestId() : requestIdOf(exchange.connection.id, exchange.id));
  }
}
