import type { ClientHttp2Session } from 'node:http2';

/** Places are kept so long where the service may not be asked, ms. */
const KEEP_MS = 100;

/**
 * Streams of a connection that were broken off, and whose places are not free yet: a service may count them for a
 * moment longer, and Node's answers a stream too many with ENHANCE_YOUR_CALM, whoever's it is. A PING behind the resets
 * comes back when they have been read. Services of gRPC end a connection for its third PING without an answer of
 * theirs in between (`too_many_pings`), so after one of ours there is none until an exchange was answered.
 */
export class BrokenStreams {
  private count = 0;
  private isAsking = false;
  private mayPing = true;

  /** @param free gives so many places back */
  constructor(
    private readonly http2: ClientHttp2Session,
    private readonly free: (count: number) => void,
  ) {}

  /** One that was broken off has closed. */
  add(): void {
    this.count += 1;
    if (this.isAsking) return;
    this.isAsking = true;
    // A PING overtakes what has not left yet.
    setImmediate(this.ask);
  }

  /** The service has answered an exchange. */
  answered(): void {
    this.mayPing = true;
  }

  private readonly ask = (): void => {
    const { count, http2 } = this;
    this.count = 0;
    const done = (): void => {
      this.isAsking = this.count > 0;
      if (this.isAsking) setImmediate(this.ask);
      this.free(count);
    };
    if (this.mayPing && !http2.destroyed && http2.ping(done)) this.mayPing = false;
    else setTimeout(done, KEEP_MS).unref();
  };
}
