import type { BerthError } from '@berth/errors';
import type { AgentAnswer } from './answers.js';
import type { AgentCapabilities, ProxyHello } from './capabilities.js';
import type { AskedEvent, CancelMessage, ConfigureEvent } from './events.js';
import type { AgentReport, ConfigUpdateReply } from './reports.js';

export interface Ping {
  readonly kind: 'ping';
  readonly sequence: number;
  readonly timestampMs: number;
}

export interface Pong {
  readonly kind: 'pong';
  readonly sequence: number;
  readonly pingTimestampMs: number;
  readonly timestampMs: number;
}

/** The proxy ends soon, or wants nothing more for a while. Only over gRPC; elsewhere the connection is closed. */
export interface ShutdownMessage {
  readonly kind: 'shutdown';
  readonly reason: 'graceful' | 'immediate' | 'configReload' | 'upgrade';
  readonly gracePeriodMs: number;
  readonly timestampMs: number;
}

/** From the proxy to an agent, behind the handshake. */
export type ProxyMessage = AskedEvent | ConfigureEvent | CancelMessage | Ping | ConfigUpdateReply | ShutdownMessage;

/** From an agent to the proxy, behind the handshake. */
export type AgentMessage = AgentAnswer | AgentReport | Pong;

/** Who takes what comes over a link. */
export interface LinkReceiver<In> {
  message(message: In): void;
  /** after `send` returned false: there is room again */
  drained(): void;
  /** Once, and nothing after it; also after {@link Link.close}. @param error undefined: in order */
  closed(error: BerthError | undefined): void;
}

/** @param limit for people */
export type TooLarge = (limit: string) => void;

/**
 * One connection between the proxy and an agent, whatever carries it, behind its
 * handshake. Messages keep their order. What cannot be read ends it with
 * `BERTH_PROTOCOL_ERROR`.
 */
export interface Link<Out, In> {
  /** of the other side, for people; never a secret */
  readonly remote: string;
  /** takes what comes; what comes before it is set waits */
  receiver: LinkReceiver<In>;

  /**
   * @param tooLarge told before this returns that the message is larger than the other side takes, with the limit: it is left out
   * @returns false when the sender should wait for `drained`. After the end it does nothing, and says true.
   */
  send(message: Out, tooLarge?: TooLarge): boolean;

  /** Ends it; idempotent. @param error for the log of the other side, where the carrier can say one */
  close(error?: BerthError): void;
}

export type Transport = 'grpc' | 'unix' | 'reverse';

/** A link as the proxy has it, with what the agent said of itself. */
export interface AgentLink extends Link<ProxyMessage, AgentMessage> {
  readonly transport: Transport;
  readonly capabilities: AgentCapabilities;
}

/** A link as the agent has it, with what the proxy said of itself. */
export interface ProxyLink extends Link<AgentMessage, ProxyMessage> {
  readonly transport: Transport;
  readonly hello: ProxyHello;
  /** it is a call for one event: what else is said of its exchange comes over others */
  readonly isCall?: boolean;
}

/** An agent, as its side of the transports sees it. */
export interface AgentHost {
  /** Asked at each handshake. */
  capabilities(): AgentCapabilities;
  /** A proxy is there; its receiver has to be set before this returns. */
  linked(link: ProxyLink): void;
}

/** What takes links in on the agent's side. */
export interface AgentServer {
  /** such as `127.0.0.1:50051` with the port that was taken, or `unix:/run/x.sock` */
  readonly address: string;
  /** Takes nothing in any more and closes the links that it has taken in. Idempotent. */
  close(): Promise<void>;
}
