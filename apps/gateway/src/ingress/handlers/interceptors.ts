import { STATUS_CODES } from 'node:http';
import { BerthError, messageOf } from '@berth/errors';
import {
  ByteQueue,
  type Dispatch,
  type DispatchSink,
  ExchangeDecorator,
  type ExchangeFailure,
  type ExchangeHandler,
  ExchangeKind,
  type ExchangeRequest,
  type FlatHeaders,
  ResetCode,
  type ResponseHead,
  type Waiting,
} from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import type { ExchangeContext } from '../exchange-context.js';
import type { IngressAnswer, IngressInterceptor, IngressRequest, IngressResponse } from '../interceptor.js';
import { checkHeaders, checkRequest } from './intercepted.js';

/** Shows requests and upgrades to the interceptors before they are sent, and heads of answers before they leave. */
export function interceptors(
  context: ExchangeContext,
  list: readonly IngressInterceptor[],
): ExchangeHandler | undefined {
  if (list.length === 0) return undefined;
  return (next) => (request, sink) => {
    // Bytes of a pipe have no head to look at.
    if (request.openHead.kind === ExchangeKind.tcp) next(request, sink);
    else void new InterceptedExchange(sink, context, list, request).begin(next);
  };
}

class InterceptedExchange extends ExchangeDecorator implements Waiting {
  private readonly seen: IngressRequest;
  /** nothing may be said to the sink any more */
  private over = false;
  /** the answer's body, while interceptors look at its head; bounded by the credit of the exchange */
  private held: ByteQueue | undefined;
  private heldEnd: { trailers: FlatHeaders | undefined } | undefined;

  constructor(
    sink: DispatchSink,
    private readonly context: ExchangeContext,
    private readonly list: readonly IngressInterceptor[],
    private readonly request: ExchangeRequest,
  ) {
    super(sink);
    const { kind, method, target, headers } = request.openHead;
    this.seen = {
      agentId: context.service.id,
      kind: kind === ExchangeKind.upgrade ? 'upgrade' : 'http',
      method,
      target,
      headers,
      remoteAddress: request.clientAddress,
    };
  }

  /** Never rejects. */
  async begin(next: Dispatch): Promise<void> {
    this.sink.waiting(this);
    try {
      const answer = await this.ask();
      if (this.over) return;
      if (answer !== undefined) {
        this.answer(answer);
        return;
      }
      const { method, target, headers } = this.seen;
      const { clientAddress, openHead } = this.request;
      next({ clientAddress, openHead: { ...openHead, method, target, headers } }, this);
    } catch (thrown) {
      this.refuse(thrown);
    }
  }

  cancel(): void {
    this.over = true;
  }

  /** The head waits for the interceptors; that of a switch is the service's alone. */
  override head(head: ResponseHead): void {
    if (head.status === 101) {
      this.sink.head(head);
      return;
    }
    this.held = new ByteQueue();
    void this.pass(head);
  }

  override data(bytes: Buffer): void {
    if (this.held === undefined) this.sink.data(bytes);
    else this.held.push(bytes);
  }

  override end(trailers: FlatHeaders | undefined): void {
    if (this.held === undefined) this.sink.end(trailers);
    else this.heldEnd = { trailers };
  }

  override failed(failure: ExchangeFailure): void {
    this.over = true;
    this.sink.failed(failure);
  }

  override reset(code: ResetCode, message?: string): void {
    this.over = true;
    this.next.reset(code, message);
  }

  override discard(): void {
    this.over = true;
    this.next.discard();
  }

  /** @returns the answer of the one that gives one */
  private async ask(): Promise<IngressAnswer | undefined> {
    for (const interceptor of this.list) {
      const answer = await interceptor.onRequest?.(this.seen);
      if (!answer) continue;
      checkHeaders(answer.headers ?? []);
      return answer;
    }
    checkRequest(this.seen);
    return undefined;
  }

  private answer({ status, headers = [], body = '' }: IngressAnswer): void {
    const bytes = Buffer.from(body);
    const whole = [...headers, 'Content-Length', String(bytes.length)];
    if (headerValue(headers, 'date') === undefined) whole.push('Date', new Date().toUTCString());
    this.sink.head({ status, reason: STATUS_CODES[status] ?? '', headers: whole });
    if (bytes.length > 0) this.sink.data(bytes);
    this.sink.end(undefined);
  }

  /** Lets the answer go when the interceptors have seen its head. Never rejects. */
  private async pass({ status, reason, headers }: ResponseHead): Promise<void> {
    const response: IngressResponse = { status, headers };
    try {
      for (const interceptor of this.list) await interceptor.onResponse?.(response, this.seen);
      checkHeaders(response.headers);
      if (!this.over) this.release({ ...response, reason });
    } catch (thrown) {
      if (!this.over) this.next.reset(ResetCode.cancelled, 'an interceptor refused the response');
      this.refuse(thrown);
    }
  }

  private release(head: ResponseHead): void {
    const { held, sink } = this;
    this.held = undefined;
    sink.head(head);
    // Whoever takes them may end it all meanwhile.
    for (let bytes = held?.shift(); bytes !== undefined && !this.ended; bytes = held?.shift()) sink.data(bytes);
    if (this.heldEnd !== undefined && !this.ended) sink.end(this.heldEnd.trailers);
  }

  private get ended(): boolean {
    return this.over;
  }

  private refuse(thrown: unknown): void {
    const { service, log } = this.context;
    log.error({ agentId: service.id, err: thrown }, `an interceptor failed: ${messageOf(thrown)}`);
    if (this.over) return;
    this.over = true;
    const error = BerthError.from(thrown);
    this.sink.failed({ code: ResetCode.cancelled, message: error.message, error });
  }
}
