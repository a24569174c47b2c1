import type { ExchangeFailure, FlatHeaders, InterimHead, ResponseHead, ResponseSink } from '@berth/exchange';
import type { Member } from './member.js';
import type { PoolConnection } from './pool-connection.js';
import type { PoolOptions } from './pool-options.js';

/**
 * Hands on what comes of an exchange, and lets the pool see how long the head
 * of the answer took and what failed, because it picks by that.
 */
export class ObservedSink implements ResponseSink {
  private readonly beganAt: number;
  private headSeen = false;

  constructor(
    private readonly sink: ResponseSink,
    private readonly member: Member<PoolConnection>,
    private readonly options: Pick<PoolOptions<never>, 'isFault' | 'now'>,
  ) {
    this.beganAt = options.now();
  }

  informational(head: InterimHead): void {
    this.sink.informational(head);
  }

  head(head: ResponseHead): void {
    const now = this.options.now();
    this.headSeen = true;
    if (this.options.isFault(head.status)) this.member.faulted(now - this.beganAt, now);
    else this.member.countAnswer(now - this.beganAt, now);
    this.sink.head(head);
  }

  data(bytes: Buffer): void {
    this.sink.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.sink.end(trailers);
  }

  failed(failure: ExchangeFailure): void {
    const now = this.options.now();
    // How long a body took says nothing of how quick its agent is.
    this.member.countFailure(failure.code, this.headSeen ? 0 : now - this.beganAt, now);
    this.sink.failed(failure);
  }

  writable(): void {
    this.sink.writable();
  }

  progressed(): void {
    this.sink.progressed?.();
  }
}
