import type { PooledConnection } from '#agent-pool';
import { BerthError } from '#errors';
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
  /** ms since the epoch, to be shown */
  readonly connectedAt = Date.now();
  private state: 'serving' | 'standby' | 'draining' = 'serving';
  private deadline: NodeJS.Timeout | undefined;

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
    return this.state === 'serving' && !this.session.closed;
  }

  /** Goaway asked for a successor: serves on where no other connection does, until the agent has it. */
  get congested(): boolean {
    return this.session.congested;
  }

  get standby(): boolean {
    return this.state === 'standby' && !this.session.closed;
  }

  /** A Goaway was sent or received. */
  get draining(): boolean {
    return this.state !== 'serving';
  }

  /** monotonic ms, see {@link wallTime} */
  get lastSeenAt(): number {
    return this.session.lastSeenAt;
  }

  /**
   * Asks the agent to leave this connection; exchanges under way may end.
   *
   * @param deadlineMs until the connection is closed all the same
   * @param reconnect whether the agent should open its next connection first
   */
  goaway(reason: GoawayReason, deadlineMs: number, reconnect: boolean): void {
    if (this.session.closed || this.state === 'draining') return;
    this.state = reconnect ? 'standby' : 'draining';
    this.session.sendGoaway({ reason, deadlineMs, reconnect });
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => {
      this.close(new BerthError('BERTH_CONNECTION_DISCONNECTED', `still open ${deadlineMs} ms after Goaway`));
    }, deadlineMs);
    this.deadline.unref();
  }

  /** The agent leaves this connection: nothing new begins, and it ends with the last exchange. */
  leave(): void {
    this.state = 'draining';
    this.endWhenIdle();
  }

  /** To be called when an exchange has ended. */
  exchangeEnded(): void {
    if (this.state === 'draining') this.endWhenIdle();
  }

  /** To be called once the session has closed. */
  ended(): void {
    clearTimeout(this.deadline);
  }

  close(error: BerthError): void {
    this.state = 'draining';
    this.session.close(error);
  }

  private endWhenIdle(): void {
    // Not at once: the frame that ended the exchange may be one of several in its batch.
    setImmediate(() => {
      if (this.session.inFlight === 0) this.session.close();
    });
  }
}
