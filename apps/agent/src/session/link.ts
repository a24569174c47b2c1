import type { BerthError } from '@berth/errors';
import type { BodySink, Exchange, IncomingExchange, ResetCode } from '@berth/exchange';
import type { ConfigPush, Goaway, ServiceList, ServiceListReply, Welcome } from '@berth/tunnel-protocol';
import type { AgentSettings } from '../agent-settings.js';
import type { LinkSignals } from './signals.js';

/** What people call a setting, for messages: by its path, such as `tls.caFile`, or by its flag. */
export type NameOf = (path: string) => string;

/** Settings of a link, and what they are called. */
export type LinkSettings = AgentSettings & { readonly nameOf: NameOf };

/** One connection to the gateway, from the dial to its end, whatever it speaks. It does not come back: the next is another link. */
export interface Link {
  /** that it was dialled at, `host:port` */
  readonly gateway: string;
  /** in service, and not asked to leave */
  readonly registered: boolean;
  /** exchanges under way */
  readonly inFlight: number;
  /** what it can tell the gateway; undefined before the gateway took it, and where the protocol has no words for it */
  readonly signals: LinkSignals | undefined;
  /** whether its gateway takes other lists of local services than that of the Hello */
  readonly takesServices: boolean;

  /**
   * Leaves in order.
   *
   * @param deadlineMs then it is closed here
   */
  leave(deadlineMs: number): void;

  /**
   * Tells the gateway of other local services, where it takes that.
   *
   * @param required names of those without whose ports the connection is of no use: then it leaves in order
   */
  offer(list: ServiceList, required: readonly string[]): void;

  /** Ends the connection at once. */
  close(): void;
}

/** What a gateway said when it took the agent; port 0: it does not say. */
export type Registration = Pick<Welcome, 'connectionId' | 'scheme' | 'host' | 'port' | 'ports'>;

/** How a connection ended. */
export interface LinkEnd {
  /** the gateway's own word that the same attempt would fail again */
  final: boolean;
  /** a gateway that stays said no before its Welcome, or nothing in time */
  refused: boolean;
  reason: BerthError;
  /** since Welcome, ms; 0 when there was none */
  livedMs: number;
}

export interface LinkEvents {
  welcome(link: Link, registration: Registration): void;
  goaway(link: Link, goaway: Goaway): void;
  configPush(link: Link, push: ConfigPush): void;
  servicesReply(link: Link, reply: ServiceListReply): void;
  accept: (exchange: IncomingExchange) => BodySink;
  /** this agent has reset an exchange */
  resetSent(connectionId: string, exchange: Exchange, code: ResetCode, reason: string): void;
  /** it has as many exchanges as it takes: the gateway refuses further ones */
  full: () => void;
  ended(link: Link, end: LinkEnd): void;
}
