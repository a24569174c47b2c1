import type { ServerHttp2Session } from 'node:http2';

/** Of one stream to begin with, as HTTP/2 has it: what a body that nobody takes may hold. */
export const START_WINDOW_BYTES = 65_535;

/** Of one stream where a client uploads at length: 20 MB/s at 100 ms round trip, where the first window gives 0.6. */
export const LARGE_WINDOW_BYTES = 2 * 1024 * 1024;

/** What has been taken of a connection's bodies before its windows are made large. */
const LARGE_AFTER_BYTES = 256 * 1024;

/** Bodies at once up to which they stay large. */
const MAX_LARGE_BODIES = 4;

/** Bodies at once that may use large windows while a connection has yet to agree to small ones. */
const MAX_UNSETTLED_BODIES = 8;

/** What all bodies of such a connection may hold, bytes. */
const MAX_UNSETTLED_BYTES = MAX_UNSETTLED_BODIES * LARGE_WINDOW_BYTES;

/** Time between two looks at what they hold, ms: Node raises no event for what nobody takes. */
const LOOK_MS = 10;

/** Connections with large windows at once. */
const MAX_LARGE_CONNECTIONS = 16;

/** Large windows of all connections of the process. */
export class UploadBudget {
  private large = 0;

  /** @returns false when there are as many connections with large windows as there may be */
  take(): boolean {
    if (this.large >= MAX_LARGE_CONNECTIONS) return false;
    this.large += 1;
    return true;
  }

  giveBack(): void {
    this.large -= 1;
  }
}

/** A body as its connection knows it. */
export interface HeldBody {
  /** bytes that came and that nobody has taken */
  readonly readableLength: number;
}

/**
 * How much the streams of one connection may send ahead. Node tells HTTP/2 at once that the connection's
 * window is free again, so the windows of its streams are all that bounds what it may make the gateway hold.
 */
export class UploadWindow<Body extends HeldBody = HeldBody> {
  private bodies = 0;
  private taken = 0;
  private state: 'small' | 'large' | 'unsettled' = 'small';

  private looks: NodeJS.Timeout | undefined;

  /**
   * @param streams of the connection, in the order in which they began
   * @param excess is given each stream that has to go, for it holds more than a small window
   */
  constructor(
    private readonly session: Pick<ServerHttp2Session, 'settings' | 'destroyed' | 'pendingSettingsAck'>,
    private readonly budget: UploadBudget,
    private readonly streams: Iterable<Body>,
    private readonly excess: (stream: Body) => void,
  ) {}

  /** A body begins. */
  begin(): void {
    this.bodies += 1;
    if (this.bodies <= MAX_LARGE_BODIES) return;
    this.shrink();
    // To refuse them would fail small calls of gRPC, which come in any number beside an upload.
    if (this.state === 'unsettled' && this.bodies > MAX_UNSETTLED_BODIES)
      this.looks ??= setInterval(this.look, LOOK_MS).unref();
  }

  /** The stream of a body is closed. */
  end(): void {
    this.bodies -= 1;
    if (this.bodies > 0) return;
    this.taken = 0;
    this.shrink();
  }

  /** A piece of a body came, and the exchange had room for it. */
  received(bytes: number): void {
    if (this.state !== 'small') return;
    this.taken += bytes;
    if (this.taken < LARGE_AFTER_BYTES || this.bodies > MAX_LARGE_BODIES) return;
    if (this.session.destroyed || this.session.pendingSettingsAck || !this.budget.take()) return;
    this.state = 'large';
    this.session.settings({ initialWindowSize: LARGE_WINDOW_BYTES });
  }

  /** The connection is closed. */
  close(): void {
    clearInterval(this.looks);
    this.looks = undefined;
    if (this.state !== 'small') this.budget.giveBack();
    this.state = 'small';
  }

  private shrink(): void {
    if (this.state !== 'large' || this.session.destroyed) return;
    this.state = 'unsettled';
    this.session.settings({ initialWindowSize: START_WINDOW_BYTES }, (error) => {
      // Without an answer the connection is closed.
      if (error === null) this.close();
    });
  }
  private readonly look = (): void => {
    const streams = [...this.streams];
    let held = 0;
    for (const { readableLength } of streams) held += readableLength;
    for (const stream of streams.slice(MAX_UNSETTLED_BODIES)) {
      const { readableLength } = stream;
      if (held <= MAX_UNSETTLED_BYTES) return;
      if (readableLength <= START_WINDOW_BYTES) continue;
      this.excess(stream);
      held -= readableLength;
    }
  };
}
