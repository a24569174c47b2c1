import { Liveness, type LivenessSettings } from './liveness.js';
import type { TunnelSession } from './tunnel-session.js';

/** What either end of a connection keeps beside its session: the wait for the handshake, and the Pings after it. */
export class Upkeep {
  private readonly handshakeTimer: NodeJS.Timeout;
  private liveness: Liveness | undefined;

  /**
   * @param timeoutMs for the handshake
   * @param late what to do when it has taken longer
   */
  constructor(
    private readonly session: TunnelSession,
    timeoutMs: number,
    late: () => void,
  ) {
    this.handshakeTimer = setTimeout(late, timeoutMs).unref();
  }

  /** The handshake has ended, one way or the other. */
  settled(): void {
    clearTimeout(this.handshakeTimer);
  }

  /**
   * The handshake has succeeded: begins with Pings, unless one of the times is 0.
   *
   * @param late told when a Pong takes more than half of its time, and when it has come after all
   */
  begin(settings: LivenessSettings, late?: (late: boolean) => void): void {
    this.settled();
    if (this.session.closed || settings.intervalMs <= 0 || settings.timeoutMs <= 0) return;
    this.liveness = new Liveness(this.session, settings, () => performance.now(), late);
    this.liveness.start();
  }

  /** To be called with every Pong. */
  pong(sequence: number): void {
    this.liveness?.pong(sequence);
  }

  /** The session has closed. */
  stop(): void {
    this.settled();
    this.liveness?.stop();
  }
}
