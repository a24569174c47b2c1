import { BerthError } from '@berth/errors';
import type { TunnelSession } from './tunnel-session.js';

export interface LivenessSettings {
  /** between two Pings, ms */
  intervalMs: number;
  /** for a Pong, ms */
  timeoutMs: number;
}

/**
 * Pings one session and closes it when a Pong is late. HTTP/2 keepalive sees a
 * dead peer; this also sees a process that hangs behind a living socket.
 */
export class Liveness {
  private sequence = 0;
  private sentAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private waiting = false;
  /** half of the time for the Pong has passed */
  private isLate = false;

  constructor(
    private readonly session: TunnelSession,
    private readonly settings: LivenessSettings,
    private readonly now: () => number,
    /** told once of a Pong that takes more than half of its time, and again when it has come after all */
    private readonly late: (late: boolean) => void = () => undefined,
  ) {}

  /** Starts with a Ping at once: it measures the round trip that windows grow by. */
  start(): void {
    this.ping();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = false;
  }

  /** To be called with every Pong. */
  pong(sequence: number): void {
    if (!this.waiting || sequence !== this.sequence) return;
    this.waiting = false;
    this.session.observeRtt(this.now() - this.sentAt);
    clearTimeout(this.timer);
    if (this.isLate) this.late((this.isLate = false));
    this.timer = setTimeout(() => {
      this.ping();
    }, this.settings.intervalMs);
    this.timer.unref();
  }

  private ping(): void {
    this.sequence += 1;
    this.sentAt = this.now();
    this.waiting = true;
    this.wait(this.settings.timeoutMs / 2);
    this.session.sendPing(this.sequence);
  }

  private wait(ms: number): void {
    this.timer = setTimeout(() => {
      // After a turn that took long, timers come first: a Pong that is there has yet to be read.
      setImmediate(this.onLate, this.sequence);
    }, ms);
    this.timer.unref();
  }

  private readonly onLate = (sequence: number): void => {
    if (!this.waiting || sequence !== this.sequence) return;
    const { timeoutMs } = this.settings;
    const leftMs = timeoutMs - (this.now() - this.sentAt);
    if (leftMs > 0) {
      this.wait(leftMs);
      if (!this.isLate) this.late((this.isLate = true));
      return;
    }
    this.session.close(new BerthError('BERTH_CONNECTION_SILENT', `no Pong within ${timeoutMs} ms (pingTimeoutMs)`));
  };
}
