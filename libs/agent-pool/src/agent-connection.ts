import type { BerthError } from '@berth/errors';
import type { Carrier, OpenedExchange, OpenHead, ResponseSink } from '@berth/exchange';
import type { AgentConfig, ConnectionListener } from './connection-listener.js';
import type { PoolConnection } from './pool-connection.js';

/** Where a connection came from and what it said of itself. */
export interface ConnectionOrigin {
  remoteAddress: string;
  softwareVersion: string;
  /** random per agent process */
  instanceId: string;
}

/** Why an agent is asked to leave a connection. */
export type DrainReason = 'shutdown' | 'replaced' | 'disconnected' | 'idExhausted';

/**
 * One live connection of an agent, of whatever kind: all that pool, registry,
 * ingress and admin know of it. What every kind must hold is in `testing/`.
 */
export interface AgentConnection extends Carrier, PoolConnection {
  readonly agentId: string;
  readonly origin: ConnectionOrigin;
  /** ms since the epoch, to be shown */
  readonly connectedAt: number;
  /** monotonic ms of the last that came from the agent */
  readonly lastSeenAt: number;
  /** smallest round trip seen, ms */
  readonly roundTripMs: number;
  /** the last one, ms; 0 before there was one */
  readonly lastRoundTripMs: number;
  /** one side has asked the other to leave it */
  readonly draining: boolean;
  /** nothing new begins here, and it ends with the last exchange */
  readonly leaving: boolean;
  readonly closed: boolean;
  /** optional abilities, as the agent announced them */
  readonly features: ReadonlySet<string>;
  /** who hears what becomes of it; set by whoever puts it into service */
  listener: ConnectionListener;

  /** Those under way: a snapshot, in no order. */
  exchanges(): readonly OpenedExchange[];

  /**
   * Begins an exchange; its `connection` is this one. {@link AgentPool.open} has looked at capacity and state.
   *
   * @throws BerthError `BERTH_CONNECTION_CLOSED`, and what a client is answered for an exchange that this kind of
   *   connection cannot carry, before anything was sent: `BERTH_UNSUPPORTED_EXCHANGE`, `BERTH_BODY_TOO_LARGE`, `BERTH_AGENT_BUSY`
   */
  open(head: OpenHead, sink: ResponseSink): OpenedExchange;

  /**
   * Asks the agent to leave this connection; exchanges under way may end.
   *
   * @param deadlineMs until the connection is closed all the same
   * @param reconnect whether the agent should open its next connection first
   */
  drain(reason: DrainReason, deadlineMs: number, reconnect: boolean): void;

  /**
   * Whether the process behind the connection answers. Who asks while an
   * answer is awaited gets the same one.
   *
   * @param deadlineMs after this, and when the connection ends, the answer is no
   */
  answers(deadlineMs: number): Promise<boolean>;

  /** Sends a configuration, to an agent that has the feature `config_push`; its answer comes to the {@link listener}. */
  pushConfig(config: AgentConfig): void;

  /** Ends it at once: every exchange fails. Idempotent. */
  close(error?: BerthError): void;
}
