import type { BerthError } from '@berth/errors';
import type { WindowSettings } from './credit-window.js';
import type { BodySink, Exchange, ResetCode } from '@berth/exchange';
import type { IncomingTunnelExchange } from './exchange.js';
import type {
  ConfigAck,
  ConfigPush,
  Goaway,
  Health,
  Hello,
  MetricsReport,
  Refused,
  ServiceList,
  ServiceListReply,
  Welcome,
} from './frames.js';

/** Carries batches; a gRPC duplex in life, a pair of queues in tests. */
export interface BatchTransport {
  /** Sends one batch and calls `sent` once the network has taken it; the buffer is used again after that. */
  send(batch: Buffer, sent: () => void): void;
  /** Ends the stream: orderly without an error, else with the error's gRPC status. */
  close(error?: BerthError): void;
}

export interface SessionEvents {
  hello?(hello: Hello): void;
  welcome?(welcome: Welcome): void;
  refused?(refused: Refused): void;
  /** Agent: a new exchange; returns who takes its frames. A side without it is never sent Open. */
  opened?(exchange: IncomingTunnelExchange): BodySink;
  /** Agent: with the one that comes now there are as many exchanges as it takes. */
  full?(): void;
  goaway?(goaway: Goaway): void;
  /** Gateway: what the agent says of itself. */
  health?(health: Health): void;
  /** Gateway: open nothing until `resume`. */
  pause?(): void;
  resume?(): void;
  /** Gateway: the agent has asked that one exchange be held, or sent on. */
  held?(held: boolean): void;
  /** Gateway: exchanges that the agent takes at once from now on. */
  capacity?(maxExchanges: number): void;
  /** Gateway: figures of the agent. Reading them may be left out: it costs, and agents may send many. */
  metricsReport?(read: () => MetricsReport): void;
  /** Agent: a configuration to apply, and to acknowledge. */
  configPush?(push: ConfigPush): void;
  /** Gateway: what became of one. */
  configAck?(ack: ConfigAck): void;
  /** Gateway: what the connection is to lead to from now on. */
  services?(list: ServiceList): void;
  /** Agent: what became of a list. */
  servicesReply?(reply: ServiceListReply): void;
  pong?(sequence: number): void;
  /** This side ended an exchange early, and has told the other why. */
  resetSent?(exchange: Exchange, code: ResetCode, message: string): void;
  /** The number of exchanges went down. */
  exchangeEnded?(): void;
  /** The consumer of one exchange threw; its exchange has been reset, for the log. */
  fault?(thrown: unknown): void;
  /** Once, whoever closed it; every exchange has failed by then. */
  closed(error: BerthError | undefined): void;
}

export interface SessionOptions {
  role: 'gateway' | 'agent';
  window: WindowSettings;
  /** exchanges that this side takes at once; 0 for the gateway, which takes none */
  maxExchanges: number;
  /** bytes handed to the transport and not yet taken by the network, at the most */
  sendAheadBytes: number;
  /** bytes of control frames that may wait; a peer that does not read them is cut off */
  maxControlBytes: number;
  /** milliseconds, monotonic */
  now: () => number;
}

export const SESSION_DEFAULTS = { sendAheadBytes: 262_144, maxControlBytes: 4_194_304 } as const;
