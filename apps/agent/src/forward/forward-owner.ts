import type { BodySink, IncomingExchange } from '@berth/exchange';
import type { LocalFigures } from './local-figures.js';

/** Whose exchanges are forwarded. */
export interface ForwardOwner {
  readonly figures: LocalFigures;
  /** Makes the sink for a body that is slow to begin. */
  onOwnSocket(exchange: IncomingExchange): BodySink;
  /** Resets the exchange for a fault of the local service. */
  fail(exchange: IncomingExchange, error: Error): void;
}
