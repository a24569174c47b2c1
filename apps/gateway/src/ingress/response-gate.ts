import { BerthError } from '@berth/errors';
import { ByteQueue, type FlatHeaders, type ResponseHead } from '@berth/exchange';
import type { HttpRelay } from './http/http-relay.js';
import type { IngressInterceptor, IngressRequest, IngressResponse } from './interceptor.js';

/**
 * Holds the body of a response back while interceptors look at its head. What
 * is held is bounded by the credit of the exchange.
 */
export class ResponseGate {
  private readonly held = new ByteQueue();
  private ended: { trailers: FlatHeaders | undefined } | undefined;

  /** @param opened called when the relay is on its own again */
  constructor(
    private readonly relay: HttpRelay,
    private readonly opened: () => void,
  ) {}

  data(bytes: Buffer): void {
    this.held.push(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.ended = { trailers };
  }

  /** Runs the interceptors and lets the response go. Never rejects. */
  async pass(interceptors: readonly IngressInterceptor[], request: IngressRequest, head: ResponseHead): Promise<void> {
    const response: IngressResponse = { status: head.status, headers: head.headers };
    try {
      for (const interceptor of interceptors) await interceptor.onResponse?.(response, request);
    } catch (thrown) {
      this.opened();
      if (!this.relay.answered) this.relay.rejectResponse(BerthError.from(thrown));
      return;
    }
    this.opened();
    // The agent or the client was lost meanwhile.
    if (this.relay.answered) return;
    if (!this.relay.sendHead({ status: response.status, reason: head.reason, headers: response.headers })) return;
    for (let bytes = this.held.shift(); bytes !== undefined; bytes = this.held.shift()) this.relay.data(bytes);
    if (this.ended !== undefined) this.relay.end(this.ended.trailers);
  }
}
