import type { PooledConnection } from '#agent-pool';
import type { BerthError } from '#errors';
import type { GoawayReason, TunnelSession } from '#tunnel-protocol';

/** Where a connection came from and what it said of itself. */
export interface ConnectionOrigin {
  remoteAddress: string;
  softwareVersion: string;
  /** random per agent process */
  instanceId: string;
}

/** One live tunnel connection of an agent, as the pool sees it. */
export class TunnelConnection implements PooledConnection {
  readonly connectedAt = Date.now();
  /** Goaway was sent or received: what runs may end, nothing new begins */
  draining = false;

  constructor(
    readonly id: string,
    readonly agentId: string,
    readonly session: TunnelSession,
    readonly origin: ConnectionOrigin,
  ) {}

  get inFlight(): number {
    return this.session.inFlight;
  }

  get capacity(): number {
    return this.session.peerMaxExchanges;
  }

  get accepting(): boolean {
    return !this.draining && !this.session.closed;
  }

  get lastSeenAt(): number {
    return this.session.lastSeenAt;
  }

  /**
   * Asks the agent to leave this connection; exchanges under way may end.
   *
   * @param deadlineMs until the connection is closed all the same
   * @param reconnect whether the agent should open its next connection now
   */
  goaway(reason: GoawayReason, deadlineMs: number, reconnect: boolean): void {
    this.draining = true;
    this.session.sendGoaway({ reason, deadlineMs, reconnect });
  }

  close(error: BerthError): void {
    this.draining = true;
    this.session.close(error);
  }
}
