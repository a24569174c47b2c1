import type { Dispatcher } from 'undici';
import { isIdempotent, relayHead, relayTrailers } from '#http-rules';
import { type Exchange, type ExchangeSink, ResetCode } from '#tunnel-protocol';
import { isStaleConnection, resetCodeOf } from './local-errors.js';
import { latin1Headers, reasonBytes } from './raw-headers.js';
import { RequestBody } from './request-body.js';

type Controller = Dispatcher.DispatchController & { rawHeaders?: unknown; rawTrailers?: unknown };

/** Shared: a stack trace for each client that leaves would cost more than the rest of it. */
const ENDED = new Error('the exchange ended');

/** One ordinary exchange, over undici's connections to the local service. */
export class HttpForward implements ExchangeSink, Dispatcher.DispatchHandler {
  private controller: Controller | undefined;
  private gathered: Buffer[] | undefined;
  private gatheredEnd = false;
  private body: RequestBody | undefined;
  private failedEarly = false;
  /** something of the answer has come, if only an interim response */
  private responded = false;
  private retried = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** A body that has come whole in one batch is sent in one write with its head; so the dispatch waits for the batch's end. */
  start(): void {
    if (!this.exchange.open.body) {
      this.dispatch(null);
      return;
    }
    this.gathered = [];
    process.nextTick(startWithBody, this);
  }

  dispatchGathered(): void {
    const chunks = this.gathered as Buffer[];
    this.gathered = undefined;
    if (this.failedEarly) return;
    if (this.gatheredEnd) {
      const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      this.exchange.consumed(whole.length);
      this.dispatch(whole);
      return;
    }
    const body = new RequestBody((bytes) => {
      this.exchange.consumed(bytes);
    });
    this.body = body;
    for (const chunk of chunks) body.add(chunk);
    this.dispatch(body);
  }

  private dispatch(body: Buffer | RequestBody | null): void {
    const { method, target, headers } = this.exchange.open;
    this.dispatcher.dispatch({ path: target, method: method, headers, body }, this);
  }

  // --- what the gateway sends ------------------------------------------------

  data(bytes: Buffer): void {
    if (this.gathered !== undefined) this.gathered.push(bytes);
    else this.body?.add(bytes);
  }

  end(): void {
    if (this.gathered !== undefined) this.gatheredEnd = true;
    else this.body?.finish();
  }

  failed(): void {
    this.failedEarly = true;
    this.body?.destroy(ENDED);
    this.controller?.abort(ENDED);
    this.exchange.discard();
  }

  writable(): void {
    this.controller?.resume();
  }

  head(): void {
    // Only gateways receive response heads.
  }

  informational(): void {
    // Only gateways receive interim responses.
  }

  // --- what the local service answers ----------------------------------------

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    if (this.failedEarly) controller.abort(ENDED);
  }

  onResponseStart(controller: Controller, status: number, _parsed: unknown, reason?: string): void {
    this.responded = true;
    try {
      const { headers } = relayHead(latin1Headers(controller.rawHeaders as Buffer[]), false);
      if (status < 200) this.exchange.sendInformational({ status, headers });
      else this.exchange.sendHead({ status, reason: reasonBytes(reason ?? ''), headers });
    } catch (thrown) {
      this.exchange.reset(ResetCode.localFailed, thrown instanceof Error ? thrown.message : '');
      controller.abort(new Error('the response cannot be relayed'));
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (!this.exchange.sendData(chunk)) controller.pause();
  }

  onResponseEnd(controller: Controller): void {
    const trailers = controller.rawTrailers as Buffer[] | null;
    this.exchange.sendEnd(trailers?.length ? relayTrailers(latin1Headers(trailers)) : undefined);
    // Bytes of a request whose answer is complete are not wanted any more; the gateway says Reset(done).
    this.body?.destroy();
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.exchange.closed) return;
    const { method, body } = this.exchange.open;
    if (!this.responded && !this.retried && !body && isIdempotent(method) && isStaleConnection(error)) {
      this.retried = true;
      this.dispatch(null);
      return;
    }
    this.exchange.reset(resetCodeOf(error), error.message);
  }
}

function startWithBody(forward: HttpForward): void {
  forward.dispatchGathered();
}
