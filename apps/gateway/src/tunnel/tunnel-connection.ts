import { randomBytes } from 'node:crypto';
import {
  type AgentConfig,
  type AgentConnection,
  type ConnectionListener,
  type ConnectionOrigin,
  type DrainReason,
  NO_LISTENER,
  type ReportedHealth,
} from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import type { OpenedExchange } from '@berth/exchange';
import {
  AGENT_FEATURES,
  type BatchTransport,
  CREDIT_RETURN_FEATURE,
  GoawayReason,
  HealthCode,
  type Hello,
  type OpenedTunnelExchange,
  PROTOCOL_VERSION,
  type ServiceList,
  TunnelSession,
  Upkeep,
} from '@berth/tunnel-protocol';
import type { ServiceOutcome } from '../agents/index.js';
import type { Caller, HandshakeOptions } from './handshake.js';
import { wirePort } from './offers.js';
import type { ServiceUpdates } from './service-updates.js';

/** Numbers of the Pings that ask whether a process still answers; those of Liveness count up from 1. */
const FIRST_PROBE = 2 ** 31;

/** For what runs on a connection whose numbers run out, once the agent was asked for its next one; agents wait no longer. */
const RENEWAL_MS = 600_000;

/** A Ping whose answer somebody waits for. */
interface Probe {
  readonly sequence: number;
  readonly answer: Promise<boolean>;
  settle(answered: boolean): void;
}

/** What a connection asks of whoever judges callers; see handshake.ts. */
export interface ConnectionJudge {
  hello(connection: TunnelConnection, hello: Hello): void;
  /** the handshake took too long, or the stream below was given up: refuses it */
  refuse(connection: TunnelConnection, reason: BerthError): void;
  /** throws `BERTH_PROTOCOL_ERROR` for a list that cannot be one */
  offered(connection: TunnelConnection, list: ServiceList): void;
  /** the consumer of an exchange threw */
  fault(thrown: unknown): void;
  /** once; every exchange has failed by then */
  ended(connection: TunnelConnection, error: BerthError | undefined): void;
}

const ABILITIES: readonly string[] = Object.values(AGENT_FEATURES);
const FEATURES = [CREDIT_RETURN_FEATURE, ...ABILITIES];

const HEALTH: Partial<Record<HealthCode, ReportedHealth>> = {
  [HealthCode.healthy]: 'healthy',
  [HealthCode.degraded]: 'degraded',
  [HealthCode.draining]: 'draining',
  [HealthCode.unhealthy]: 'unhealthy',
};

const UNKNOWN: ConnectionOrigin = { remoteAddress: '', softwareVersion: '', instanceId: '' };

/**
 * The gateway's end of one tunnel connection, from the stream's first byte to
 * its end; the agent's is `TunnelLink`. It is its session, so that the pool opens
 * exchanges with no step between. Until its Hello has been found good it
 * has no name, and costs its session and itself.
 */
export class TunnelConnection extends TunnelSession implements AgentConnection {
  agentId = '';
  origin = UNKNOWN;
  /** ms since the epoch, to be shown */
  connectedAt = 0;
  features: ReadonlySet<string> = new Set();
  listener: ConnectionListener = NO_LISTENER;
  /** a refusal has been sent, and has had its line in the log */
  refused = false;
  /** who takes its lists of local services, once one has come */
  updates: ServiceUpdates | undefined;
  private readonly upkeep: Upkeep;
  private state: 'serving' | 'standby' | 'draining' = 'serving';
  private deadline: NodeJS.Timeout | undefined;
  private probe: Probe | undefined;
  private nextProbe = FIRST_PROBE;

  constructor(
    transport: BatchTransport,
    readonly caller: Caller,
    private readonly terms: HandshakeOptions,
    judge: ConnectionJudge,
  ) {
    const { window, sendAheadBytes, maxControlBytes, handshakeTimeoutMs } = terms;
    super(
      transport,
      {
        hello: (hello) => {
          judge.hello(this, hello);
        },
        pong: (sequence) => {
          this.upkeep.pong(sequence);
          if (sequence === this.probe?.sequence) this.probe.settle(true);
        },
        goaway: () => {
          // Nothing new begins here, and it ends with the last exchange.
          this.state = 'draining';
          this.endWhenIdle();
        },
        health: ({ state, message, service }) => {
          const reported = HEALTH[state];
          if (reported !== undefined) this.listener.healthReported(reported, message, service);
        },
        pause: () => {
          this.listener.pauseAsked(true);
        },
        resume: () => {
          this.listener.pauseAsked(false);
        },
        held: (held) => {
          this.listener.exchangeHeld(held);
        },
        capacity: (maxExchanges) => {
          this.limitTo(maxExchanges);
          this.listener.capacityChanged();
          this.listener.roomMade();
        },
        metricsReport: (read) => {
          this.listener.metricsReported(read);
        },
        configAck: (ack) => {
          this.listener.configAcknowledged(ack);
        },
        services: (list) => {
          judge.offered(this, list);
        },
        exchangeEnded: () => {
          this.listener.roomMade();
          if (this.state === 'draining') this.endWhenIdle();
          else if (this.numbersRunOut) this.drain('idExhausted', RENEWAL_MS, true);
        },
        fault: (thrown) => {
          judge.fault(thrown);
        },
        closed: (error) => {
          this.upkeep.stop();
          clearTimeout(this.deadline);
          caller.call.end();
          this.probe?.settle(false);
          judge.ended(this, error);
        },
      },
      { role: 'gateway', window, maxExchanges: 0, sendAheadBytes, maxControlBytes, now: () => performance.now() },
    );
    this.upkeep = new Upkeep(this, handshakeTimeoutMs, () => {
      const what = this.identified ? 'its ports were not open' : 'no Hello';
      const text = `${what} within ${handshakeTimeoutMs} ms (tunnel.handshakeTimeoutMs)`;
      judge.refuse(this, new BerthError('BERTH_HANDSHAKE_TIMEOUT', text));
    });
    caller.call.onGivenUp = (error) => {
      judge.refuse(this, error);
    };
  }

  /** Whether its Hello has been found good. */
  get identified(): boolean {
    return this.id !== '';
  }

  /** Takes what the agent says of itself; exchanges are possible from here. */
  identify(hello: Hello): void {
    this.caller.call.accept();
    this.connectedAt = Date.now();
    this.id = randomBytes(6).toString('hex');
    this.agentId = hello.agentId;
    this.origin = {
      remoteAddress: this.caller.remoteAddress,
      softwareVersion: hello.softwareVersion.slice(0, 64),
      // An agent that names no process counts as a new one with every connection.
      instanceId: hello.instanceId === '' ? randomBytes(8).toString('hex') : hello.instanceId.slice(0, 64),
    };
    this.features = new Set(hello.features.filter((feature) => ABILITIES.includes(feature)));
    this.establish(hello.limits, { owner: hello.agentId, features: hello.features });
  }

  /** Says yes to the agent: the first frame that it gets. */
  welcome(outcomes: readonly ServiceOutcome[]): void {
    const { publicHost: host, window, pingIntervalMs, pingTimeoutMs } = this.terms;
    const ports = outcomes.map(wirePort);
    const { port = 0, scheme = '' } = ports.find((it) => it.port !== 0) ?? {};
    this.tell('welcome', {
      version: PROTOCOL_VERSION,
      connectionId: this.id,
      port,
      scheme,
      host,
      limits: { maxExchanges: 0, initialWindowBytes: window.startBytes },
      pingIntervalMs,
      pingTimeoutMs,
      features: FEATURES,
      ports,
    });
  }

  /** It is in service: begins with Pings. */
  registered(): void {
    const { pingIntervalMs: intervalMs, pingTimeoutMs: timeoutMs } = this.terms;
    this.upkeep.begin({ intervalMs, timeoutMs }, (late) => {
      this.listener.pingLate(late);
    });
  }

  override refuse(error: BerthError): void {
    this.refused = true;
    this.upkeep.settled();
    super.refuse(error);
  }

  get roundTripMs(): number {
    return this.rttMs;
  }

  get lastRoundTripMs(): number {
    return this.lastRttMs;
  }

  get accepting(): boolean {
    return this.state === 'serving' && !this.closed;
  }

  /** Goaway asked for a successor: serves on where no other connection does, until the agent has it. */
  get standby(): boolean {
    return this.state === 'standby' && !this.closed;
  }

  /** A Goaway was sent or received. */
  get draining(): boolean {
    return this.state !== 'serving';
  }

  /** The agent has said that it goes: nothing new begins here, and it waits for what runs to end. */
  get leaving(): boolean {
    return this.state === 'draining';
  }

  exchanges(): readonly OpenedExchange[] {
    // A gateway has none but those that it opened.
    return this.list() as OpenedTunnelExchange[];
  }

  drain(reason: DrainReason, deadlineMs: number, reconnect: boolean): void {
    // One that was asked already keeps the deadline it was told.
    if (this.closed || this.state === 'draining' || (reconnect && this.state === 'standby')) return;
    this.state = reconnect ? 'standby' : 'draining';
    this.sendGoaway({ reason: GoawayReason[reason], deadlineMs, reconnect });
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => {
      this.close(new BerthError('BERTH_CONNECTION_DISCONNECTED', `still open ${deadlineMs} ms after Goaway`));
    }, deadlineMs);
    this.deadline.unref();
  }

  answers(deadlineMs: number): Promise<boolean> {
    if (this.closed) return Promise.resolve(false);
    if (this.probe !== undefined) return this.probe.answer;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => this.probe?.settle(false), deadlineMs);
    timer.unref();
    const settle = (answered: boolean): void => {
      clearTimeout(timer);
      this.probe = undefined;
      resolve(answered);
    };
    this.probe = { sequence: this.nextProbe, answer: promise, settle };
    this.nextProbe += 1;
    this.sendPing(this.probe.sequence);
    return promise;
  }

  pushConfig(config: AgentConfig): void {
    this.tell('configPush', config);
  }

  override close(error?: BerthError): void {
    this.state = 'draining';
    super.close(error);
  }

  private endWhenIdle(): void {
    // Not at once: the frame that ended the exchange may be one of several in its batch.
    setImmediate(() => {
      if (this.inFlight === 0) this.close();
    });
  }
}
