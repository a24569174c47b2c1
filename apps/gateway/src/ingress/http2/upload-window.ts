import type { ServerHttp2Session } from 'node:http2';

/** Of one stream to begin with, as HTTP/2 has it: what a body that nobody takes may hold. */
export const START_WINDOW_BYTES = 65_535;

/** Of one stream where a client uploads at length: 20 MB/s at 100 ms round trip, where the first window gives 0.6. */
export const LARGE_WINDOW_BYTES = 2 * 1024 * 1024;

/** What has been taken of a connection's bodies before its windows are made large. */
const LARGE_AFTER_BYTES = 256 * 1024;

/** Bodies at once up to which they stay large. */
const MAX_LARGE_BODIES = 4;

/** Bodies at once on a connection that has yet to agree to small windows; others are refused, and come again. */
const MAX_UNSETTLED_BODIES = 8;

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

/**
 * How much the streams of one connection may send ahead. Node tells HTTP/2 at once that the connection's
 * window is free again, so the windows of its streams are all that bounds what it may make the gateway hold.
 */
export class UploadWindow {
  private bodies = 0;
  private taken = 0;
  private state: 'small' | 'large' | 'unsettled' = 'small';

  constructor(
    private readonly session: Pick<ServerHttp2Session, 'settings' | 'destroyed' | 'pendingSettingsAck'>,
    private readonly budget: UploadBudget,
  ) {}

  /** A body begins. @returns false: the client has to agree to smaller windows first */
  begin(): boolean {
    if (this.state === 'unsettled' && this.bodies >= MAX_UNSETTLED_BODIES) return false;
    this.bodies += 1;
    if (this.bodies > MAX_LARGE_BODIES) this.shrink();
    return true;
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
}
