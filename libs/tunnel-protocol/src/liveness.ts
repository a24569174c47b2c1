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

  constructor(
    private readonly session: TunnelSession,
    private readonly settings: LivenessSettings,
    private readonly now: () => number,
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
    this.timer = setTimeout(() => {
      this.ping();
    }, this.settings.intervalMs);
    this.timer.unref();
  }

  private ping(): void {
    this.sequence += 1;
    this.sentAt = this.now();
    this.waiting = true;
    this.timer = setTimeout(() => {
      // After a turn that took long, timers come first: a Pong that is there has yet to be read.
      setImmediate(this.onLate, this.sequence);
    }, this.settings.timeoutMs);
    this.timer.unref();
    this.session.sendPing(this.sequence);
  }

  private readonly onLate = (sequence: number): void => {
    if (!this.waiting || sequence !== this.sequence) return;
    const { timeoutMs } = this.settings;
    this.session.close(new BerthError('BERTH_CONNECTION_SILENT', `no Pong within ${timeoutMs} ms (pingTimeoutMs)`));
  };
}
