import { type DispatchSink, ExchangeDecorator, type ExchangeHandler, ExchangeKind, ResetCode } from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import { bodyTooLarge } from '../failures.js';

/**
 * Ends requests whose body turns out to be too large. A body whose length its
 * head says has been judged by the head.
 *
 * @param maxBytes `ingress.maxBodyBytes`; 0: no limit, and no handler
 */
export function bodyLimit(maxBytes: number): ExchangeHandler | undefined {
  if (maxBytes === 0) return undefined;
  return (next) => (request, sink) => {
    const { kind, body, headers } = request.openHead;
    const limited = kind === ExchangeKind.http && body && headerValue(headers, 'content-length') === undefined;
    next(request, limited ? new LimitedExchange(sink, maxBytes) : sink);
  };
}

class LimitedExchange extends ExchangeDecorator {
  private bytes = 0;

  constructor(
    sink: DispatchSink,
    private readonly maxBytes: number,
  ) {
    super(sink);
  }

  override sendData(bytes: Buffer): boolean {
    this.bytes += bytes.length;
    if (this.bytes <= this.maxBytes) return this.next.sendData(bytes);
    const error = bodyTooLarge(this.maxBytes);
    this.next.reset(ResetCode.cancelled, error.message);
    this.sink.failed({ code: ResetCode.cancelled, message: error.message, error });
    return true;
  }
}
