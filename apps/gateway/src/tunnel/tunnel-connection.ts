import type { AgentConnection, ConnectionOrigin, DrainReason } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import type { OpenedExchange, OpenHead, ResponseSink } from '@berth/exchange';
import { GoawayReason, type TunnelSession } from '@berth/tunnel-protocol';

/** Numbers of the Pings that ask whether a process still answers; those of Liveness count up from 1. */
const FIRST_PROBE = 2 ** 31;

/** A Ping whose answer somebody waits for. */
interface Probe {
  readonly sequence: number;
  readonly answered: Promise<boolean>;
  settle(answered: boolean): void;
}

/** One live tunnel connection of an agent, as the rest of the gateway sees it. */
export class TunnelConnection implements AgentConnection {
  /** ms since the epoch, to be shown */
  readonly connectedAt = Date.now();
  private state: 'serving' | 'standby' | 'draining' = 'serving';
  private deadline: NodeJS.Timeout | undefined;
  private probe: Probe | undefined;
  private nextProbe = FIRST_PROBE;

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

  get closed(): boolean {
    return this.session.closed;
  }

  get congested(): boolean {
    return this.session.congested;
  }

  /** Goaway asked for a successor: serves on where no other connection does, until the agent has it. */
  get standby(): boolean {
    return this.state === 'standby' && !this.session.closed;
  }

  /** A Goaway was sent or received. */
  get draining(): boolean {
    return this.state !== 'serving';
  }

  /** The agent has said that it goes: nothing new begins here, and it waits for what runs to end. */
  get leaving(): boolean {
    return this.state === 'draining';
  }

  get lastSeenAt(): number {
    return this.session.lastSeenAt;
  }

  get roundTripMs(): number {
    return this.session.rttMs;
  }

  open(head: OpenHead, sink: ResponseSink): OpenedExchange {
    const exchange = this.session.open(head, sink);
    exchange.connection = this;
    return exchange;
  }

  drain(reason: DrainReason, deadlineMs: number, reconnect: boolean): void {
    // One that was asked already keeps the deadline it was told.
    if (this.session.closed || this.state === 'draining' || (reconnect && this.state === 'standby')) return;
    this.state = reconnect ? 'standby' : 'draining';
    this.session.sendGoaway({ reason: GoawayReason[reason], deadlineMs, reconnect });
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

  answers(deadlineMs: number): Promise<boolean> {
    if (this.session.closed) return Promise.resolve(false);
    if (this.probe !== undefined) return this.probe.answered;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => this.probe?.settle(false), deadlineMs);
    timer.unref();
    const settle = (answered: boolean): void => {
      clearTimeout(timer);
      this.probe = undefined;
      resolve(answered);
    };
    this.probe = { sequence: this.nextProbe, answered: promise, settle };
    this.nextProbe += 1;
    this.session.sendPing(this.probe.sequence);
    return promise;
  }

  /** Somebody waits for the answer to {@link answers}. */
  get asked(): boolean {
    return this.probe !== undefined;
  }

  /** To be called with every Pong. */
  pong(sequence: number): void {
    if (sequence === this.probe?.sequence) this.probe.settle(true);
  }

  /** To be called once the session has closed. */
  ended(): void {
    clearTimeout(this.deadline);
    this.probe?.settle(false);
  }

  close(error?: BerthError): void {
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
