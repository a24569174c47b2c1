import type { BerthError } from '@berth/errors';
import type { BodySink, Exchange, IncomingExchange, ResetCode } from '@berth/exchange';
import type { Log } from '@berth/observability';
import type { ConfigAck, ConfigPush } from '@berth/tunnel-protocol';
import type { AgentAddress } from './agent-address.js';
import type { NameOf } from './link.js';
import type { AgentRequest } from './watched-exchange.js';

/** What the owner of an agent may want to know. */
export interface AgentEvents {
  /** the first connection stands, or stands again */
  ready: [AgentAddress];
  /** other local services, or other ports for them, than were told before */
  services: [AgentAddress];
  /** no connection is left, whatever the reason; the next attempt comes after `retryInMs`. Refused: a gateway said no */
  lost: [{ reason: BerthError; retryInMs: number; refused: boolean }];
  /** refused for good before the first registration: it will not be tried again */
  gaveUp: [BerthError];
  /** an exchange has ended; nothing is watched unless somebody listens when it begins */
  request: [AgentRequest];
}

/** What an agent does with what comes from its gateway. */
export interface AgentClientOptions {
  /** what the agent calls its own version */
  version: string;
  /** makes whoever takes the frames of a new exchange */
  forward: (exchange: IncomingExchange, connectionId: string) => BodySink;
  /** applies a configuration and says what became of it; never rejects. Undefined: the agent takes none */
  takeConfig?: ((push: ConfigPush) => Promise<ConfigAck>) | undefined;
  /** told when no connection leads to a local service any more that {@link AgentClient.changeServices} took away */
  servicesAgreed?: () => void;
  /** told of each exchange that the agent reset, besides the log */
  failed?: (exchange: Exchange, code: ResetCode) => void;
  /** DNS servers for SRV records, as `host:port`; undefined: those of the machine */
  dnsServers?: readonly string[] | undefined;
  /** what people call the settings, where messages say what to check */
  nameOf: NameOf;
  log: Log;
}
