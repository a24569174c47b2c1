import type { ClientHttp2Stream } from 'node:http2';
import { type IncomingExchange, PacedWriter } from '@berth/exchange';

/** A request's body on its way to the local service, at the service's pace. */
export class H2Upload extends PacedWriter {
  constructor(
    private readonly stream: ClientHttp2Stream,
    private readonly exchange: IncomingExchange,
  ) {
    super();
  }

  data(bytes: Buffer): void {
    // A service that has answered takes no more, and nothing of it is missed.
    if (this.stream.destroyed || this.stream.closed) this.exchange.consumed(bytes.length);
    else this.write(bytes);
  }

  end(): void {
    this.finishInTurn();
  }

  protected get target(): ClientHttp2Stream {
    return this.stream;
  }

  protected get network(): ClientHttp2Stream {
    return this.stream;
  }

  protected taken(bytes: number): void {
    this.exchange.consumed(bytes);
  }

  protected finish(): void {
    this.stream.end();
  }
}
