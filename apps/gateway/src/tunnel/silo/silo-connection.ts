import { randomUUID } from 'node:crypto';
import {
  type AgentConnection,
  type ConnectionListener,
  type ConnectionOrigin,
  type DrainReason,
  NO_LISTENER,
} from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { ExchangeKind, type OpenedExchange, type OpenHead, type ResponseSink } from '@berth/exchange';
import {
  ByteBudget,
  encodeProxyHead,
  MAX_SILO_MESSAGE_BYTES,
  PAYLOAD_KEY_BYTES,
  type ProxyMessage,
  ProxyType,
  siloRequest,
} from '@berth/tunnel-protocol';
import { busy, type SiloCarrier, SiloExchange, tooLarge } from './silo-exchange.js';

/** The stream of one agent, as its connection uses it. */
export interface SiloStream {
  /**
   * @param sent called when the network has taken it
   */
  send(message: Buffer, sent: () => void): void;
  /** Nothing more is read until {@link resume}. */
  pause(): void;
  resume(): void;
  /** Round trip of an HTTP/2 PING, ms; undefined when none came within the deadline. */
  roundTrip(deadlineMs: number): Promise<number | undefined>;
  close(error?: BerthError): void;
}

export interface SiloLimits {
  maxExchanges: number;
  maxBufferedBytes: number;
  /** between two HTTP/2 PINGs, ms */
  pingIntervalMs: number;
  /** for the answer to one, ms */
  pingTimeoutMs: number;
}

/** What the owner of a connection is told, each once. */
export interface SiloEvents {
  /** an answer has Set-Cookie: it may have had more of them */
  cookie(): void;
  /** the agent sent something that has no place here: an answer that nobody waits for, or a kind that nobody knows */
  stray(type: number): void;
  closed(error: BerthError | undefined): void;
}

/** Of a queue of messages that the network has not taken: beyond it, PONGs wait. */
const MAX_UNSENT = 16;

/** One live connection of an agent of the original kind (checklist A20; docs/compatibility.md). */
export class SiloConnection implements AgentConnection, SiloCarrier {
  readonly connectedAt = Date.now();
  /** this wire has none */
  readonly features: ReadonlySet<string> = new Set();
  listener: ConnectionListener = NO_LISTENER;
  readonly requests: ByteBudget;
  private readonly held: ByteBudget;
  private readonly live = new Map<string, SiloExchange>();
  private state: 'serving' | 'draining' | 'closed' = 'serving';
  private lastId = 0;
  private seenAt = performance.now();
  private rttMs = 0;
  lastRoundTripMs = 0;
  /** given to the stream and not taken by the network */
  private unsent = 0;
  private pongsOwed = 0;
  private welcomed = false;
  private sawCookie = false;
  private pingTimer: NodeJS.Timeout | undefined;
  private deadline: NodeJS.Timeout | undefined;

  constructor(
    readonly id: string,
    readonly agentId: string,
    readonly origin: ConnectionOrigin,
    private readonly stream: SiloStream,
    private readonly limits: SiloLimits,
    private readonly events: SiloEvents,
  ) {
    this.requests = new ByteBudget(limits.maxBufferedBytes);
    this.held = new ByteBudget(limits.maxBufferedBytes);
  }

  get inFlight(): number {
    return this.live.size;
  }

  get capacity(): number {
    return this.limits.maxExchanges;
  }

  get roundTripMs(): number {
    return this.rttMs;
  }

  get accepting(): boolean {
    return this.state === 'serving';
  }

  get congested(): boolean {
    return this.requests.spent;
  }

  /** This wire has no word for "open another connection first". */
  get standby(): boolean {
    return false;
  }

  get draining(): boolean {
    return this.state !== 'serving';
  }

  get leaving(): boolean {
    return this.state !== 'serving';
  }

  get closed(): boolean {
    return this.state === 'closed';
  }

  /** An agent that is not read for want of room is not silent. */
  get lastSeenAt(): number {
    return this.held.spent ? performance.now() : this.seenAt;
  }

  // --- its place in the pool -------------------------------------------------

  /** To be called once it is registered: the PONG for its first PING is all the welcome that this wire has. */
  welcome(): void {
    this.welcomed = true;
    this.payPongs();
    void this.keepAsking();
  }

  open(head: OpenHead, sink: ResponseSink): OpenedExchange {
    if (this.closed) throw new BerthError('BERTH_CONNECTION_CLOSED', `connection ${this.id} has closed`);
    const { agentId } = this;
    if (head.kind !== ExchangeKind.http) {
      throw new BerthError('BERTH_UNSUPPORTED_EXCHANGE', `agent ${agentId} is of the original kind: no upgrades`);
    }
    const wireId = randomUUID();
    const { metadata, contentLength, expectsContinue } = siloRequest(head);
    const encoded = encodeProxyHead(wireId, ProxyType.request, metadata);
    const room = MAX_SILO_MESSAGE_BYTES - encoded.length - PAYLOAD_KEY_BYTES;
    const announced = head.body ? (contentLength ?? 0) : 0;
    if (announced > room) throw tooLarge(agentId, room);
    const reserved = encoded.length + announced;
    if (!this.requests.take(reserved)) throw busy(this);
    this.lastId += 1;
    const exchange = new SiloExchange(this, this.lastId, wireId, head, sink, encoded, room, reserved);
    this.live.set(wireId, exchange);
    if (!head.body) exchange.sendEnd();
    // The sink's owner has yet to learn of the exchange.
    else if (expectsContinue) process.nextTick(invite, exchange);
    return exchange;
  }

  exchanges(): readonly OpenedExchange[] {
    return [...this.live.values()];
  }

  drain(_reason: DrainReason, deadlineMs: number): void {
    if (this.state !== 'serving') return;
    this.state = 'draining';
    this.deadline = setTimeout(() => {
      this.close(new BerthError('BERTH_CONNECTION_DISCONNECTED', `still open ${deadlineMs} ms after it was drained`));
    }, deadlineMs);
    this.deadline.unref();
    this.closeWhenIdle();
  }

  /** The agent's program cannot be asked on this wire; its HTTP/2 can, and stops with the process. */
  async answers(deadlineMs: number): Promise<boolean> {
    if (this.closed) return false;
    return (await this.stream.roundTrip(deadlineMs)) !== undefined;
  }

  /** Never called: it has no feature for it. */
  pushConfig(): void {
    throw new BerthError('BERTH_UNSUPPORTED_EXCHANGE', `agent ${this.agentId} takes no configuration`);
  }

  close(error?: BerthError): void {
    if (this.closed) return;
    this.state = 'closed';
    clearTimeout(this.pingTimer);
    clearTimeout(this.deadline);
    const message = error?.message ?? 'the connection has ended';
    for (const exchange of [...this.live.values()]) exchange.fail({ code: 'connection-lost', message });
    this.stream.close(error);
    this.events.closed(error);
  }

  // --- what its exchanges do -------------------------------------------------

  send(message: Buffer): void {
    this.unsent += 1;
    this.stream.send(message, () => {
      this.unsent -= 1;
      this.requests.give(message.length);
      this.payPongs();
    });
  }

  forget(exchange: SiloExchange): void {
    this.live.delete(exchange.wireId);
    this.listener.roomMade();
    this.closeWhenIdle();
  }

  holding(bytes: number): void {
    const { held, stream } = this;
    const wasSpent = held.spent;
    held.force(bytes);
    if (held.spent === wasSpent) return;
    if (held.spent) stream.pause();
    else stream.resume();
  }

  // --- what the agent sends --------------------------------------------------

  receive(message: ProxyMessage): void {
    this.seenAt = performance.now();
    const { id, type, metadata } = message;
    if (type === ProxyType.ping) {
      this.pongsOwed += 1;
      this.payPongs();
      return;
    }
    const exchange = type === ProxyType.response ? this.live.get(id) : undefined;
    // Answers outlive what they are for: a client that left, a connection before this one.
    if (exchange === undefined) {
      this.events.stray(type);
      return;
    }
    if (!this.sawCookie && hasCookie(metadata)) {
      this.sawCookie = true;
      this.events.cookie();
    }
    exchange.take(message);
  }

  /** Who sends more PINGs than it reads PONGs has to wait for them: what is owed is a number. */
  private payPongs(): void {
    while (this.welcomed && this.pongsOwed > 0 && this.unsent < MAX_UNSENT && !this.closed) {
      this.pongsOwed -= 1;
      this.unsent += 1;
      this.stream.send(encodeProxyHead(randomUUID(), ProxyType.pong), () => {
        this.unsent -= 1;
        this.payPongs();
      });
    }
  }

  private closeWhenIdle(): void {
    if (this.state !== 'draining' || this.live.size > 0) return;
    // Not at once: who forgot the last exchange has yet to tell its sink.
    setImmediate(() => {
      if (this.live.size === 0) this.close();
    });
  }

  private async keepAsking(): Promise<void> {
    const { pingIntervalMs, pingTimeoutMs } = this.limits;
    const roundTripMs = await this.stream.roundTrip(pingTimeoutMs);
    if (this.closed) return;
    if (roundTripMs === undefined) {
      const what = `no answer to an HTTP/2 PING within ${pingTimeoutMs} ms (tunnel.pingTimeoutMs)`;
      this.close(new BerthError('BERTH_CONNECTION_SILENT', what));
      return;
    }
    this.lastRoundTripMs = roundTripMs;
    this.rttMs = this.rttMs === 0 ? roundTripMs : Math.min(this.rttMs, roundTripMs);
    this.pingTimer = setTimeout(() => void this.keepAsking(), pingIntervalMs);
    this.pingTimer.unref();
  }
}

function invite(exchange: SiloExchange): void {
  exchange.invite();
}

function hasCookie(metadata: readonly string[]): boolean {
  return metadata.some((key, index) => index % 2 === 0 && key.toLowerCase() === 'header_set-cookie');
}
