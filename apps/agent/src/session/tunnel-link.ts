import { type ChannelCredentials, status as grpcStatus, type StatusObject } from '@grpc/grpc-js';
import { BerthError, isErrorCode } from '@berth/errors';
import type { Log } from '@berth/observability';
import {
  AGENT_FEATURES,
  clientTransport,
  GoawayReason,
  goawayReasonName,
  type Hello,
  type Refused,
  type ServiceList,
  type ServicePort,
  SESSION_DEFAULTS,
  receiveFromServer,
  TunnelSession,
  Upkeep,
  type Welcome,
  type WindowSettings,
} from '@berth/tunnel-protocol';
import { dial, type Dialled, TUNNEL_DIAL } from './dial.js';
import type { Link, LinkEvents, LinkSettings } from './link.js';
import { endOfCall, refusalOf } from './outage.js';
import { TunnelSignals } from './tunnel-signals.js';

/** A connection that speaks Berth's own protocol. */
export class TunnelLink implements Link {
  signals: TunnelSignals | undefined;
  takesServices = false;
  private readonly session: TunnelSession;
  private readonly dialled: Dialled;
  private welcomedAt: number | undefined;
  private refusal: Refused | undefined;
  private ended = false;
  private draining = false;
  /** the gateway said that it ends */
  private shutdown = false;
  private readonly upkeep: Upkeep;
  private leaveTimer: NodeJS.Timeout | undefined;
  private required: readonly string[];
  /** why it leaves of its own accord */
  private unfit: BerthError | undefined;

  constructor(
    private readonly settings: LinkSettings,
    channel: ChannelCredentials,
    window: WindowSettings,
    hello: Hello,
    private readonly events: LinkEvents,
    private readonly log: Log,
  ) {
    this.required = settings.requiredServices;
    const dialled = dial(settings, channel, TUNNEL_DIAL);
    const { call } = dialled;
    this.dialled = dialled;
    this.session = new TunnelSession(
      clientTransport(call),
      {
        welcome: (welcome) => {
          this.onWelcome(welcome);
        },
        refused: (refused) => (this.refusal = refused),
        opened: events.accept,
        full: events.full,
        goaway: (goaway) => {
          if (goaway.reason === GoawayReason.replaced) {
            this.end(new BerthError('BERTH_CONNECTION_REPLACED', `another process registered as agent ${settings.id}`));
            return;
          }
          const { reason, reconnect } = goaway;
          const told = { event: 'goaway', reason: goawayReasonName(reason), reconnect };
          log.info(told, 'the gateway asks this connection to end');
          // One that wants a successor first is left when that stands; see leave().
          if (!reconnect) this.draining = true;
          if (reason === GoawayReason.shutdown) this.shutdown = true;
          events.goaway(this, goaway);
          this.closeWhenIdle();
        },
        configPush: (push) => {
          events.configPush(this, push);
        },
        servicesReply: (reply) => {
          events.servicesReply(this, reply);
          this.unfit ??= this.missing(reply.ports);
          if (this.unfit !== undefined && !this.draining) this.leaveUnfit();
        },
        resetSent: (exchange, code, reason) => {
          events.resetSent(this.session.id, exchange, code, reason);
        },
        pong: (sequence) => {
          this.upkeep.pong(sequence);
        },
        exchangeEnded: () => {
          this.closeWhenIdle();
        },
        fault: (thrown) => {
          this.log.error({ err: thrown }, 'an exchange failed by a fault of ours');
        },
        closed: (error) => {
          if (error !== undefined) this.end(error);
        },
      },
      {
        role: 'agent',
        window,
        maxExchanges: settings.tunnel.maxExchanges,
        sendAheadBytes: settings.tunnel.sendAheadBytes,
        maxControlBytes: SESSION_DEFAULTS.maxControlBytes,
        now: () => performance.now(),
      },
    );
    receiveFromServer(call, this.session, (status) => {
      this.onStatus(status);
    });
    this.upkeep = new Upkeep(this.session, settings.tunnel.handshakeTimeoutMs, () => {
      this.session.close(
        new BerthError(
          'BERTH_HANDSHAKE_TIMEOUT',
          `${dialled.stuckAt('no answer') ?? 'the gateway did not answer'} within ${settings.tunnel.handshakeTimeoutMs} ms (tunnel.handshakeTimeoutMs)`,
        ),
      );
    });
    this.session.tell('hello', hello);
  }

  get gateway(): string {
    return this.settings.gateway;
  }

  get registered(): boolean {
    return this.welcomedAt !== undefined && !this.ended && !this.draining;
  }

  get inFlight(): number {
    return this.session.inFlight;
  }

  /**
   * Tells the gateway to open nothing more here. The gateway, which alone knows
   * what it has opened, closes the connection once all of that has ended. Before
   * the Welcome as well: it may be on its way, with exchanges behind it.
   *
   * @param deadlineMs then it is closed here
   */
  leave(deadlineMs: number): void {
    if (this.ended) return;
    this.session.sendGoaway({ reason: GoawayReason.agentLeaving, deadlineMs, reconnect: false });
    if (this.welcomedAt === undefined && !this.dialled.connected()) {
      this.close();
      return;
    }
    clearTimeout(this.leaveTimer);
    this.leaveTimer = setTimeout(() => {
      this.close();
    }, deadlineMs);
  }

  offer(list: ServiceList, required: readonly string[]): void {
    if (!this.registered || !this.takesServices) return;
    this.required = required;
    this.session.tell('services', list);
  }

  /** Ends the connection at once. */
  close(): void {
    this.end(new BerthError('BERTH_CONNECTION_CLOSED', 'the agent ended the connection'));
  }

  private onWelcome(welcome: Welcome): void {
    if (this.welcomedAt !== undefined) throw new BerthError('BERTH_PROTOCOL_ERROR', 'second Welcome on a connection');
    this.welcomedAt = performance.now();
    const missing = this.missing(welcome.ports);
    if (missing !== undefined) {
      this.end(missing);
      return;
    }
    this.session.id = welcome.connectionId;
    this.session.establish(welcome.limits, { features: welcome.features });
    this.signals = new TunnelSignals(this.session, welcome.features);
    this.takesServices = welcome.features.includes(AGENT_FEATURES.services);
    const { pingIntervalMs: intervalMs, pingTimeoutMs: timeoutMs } = welcome;
    this.upkeep.begin({ intervalMs, timeoutMs });
    this.events.welcome(this, welcome);
  }

  /** Why this registration is of no use: a service that is required has no port. */
  private missing(ports: readonly ServicePort[]): BerthError | undefined {
    const without = ports.find(({ name, code }) => code !== '' && this.required.includes(name));
    if (without === undefined) return undefined;
    const { name, code, message } = without;
    const what = `the gateway has no port for local service ${name} (requiredServices): ${message}`;
    return new BerthError(isErrorCode(code) ? code : 'BERTH_INTERNAL', what);
  }

  /** What runs may end; then the next attempt waits for the port. */
  private leaveUnfit(): void {
    this.draining = true;
    this.leave(this.settings.shutdown.timeoutMs);
    this.closeWhenIdle();
  }

  private closeWhenIdle(): void {
    // Not at once: the last End or Reset of this turn has yet to leave.
    if (this.draining && this.session.inFlight === 0) {
      setImmediate(() => {
        if (this.session.inFlight > 0) return;
        if (this.shutdown) this.end(shutdownOf(this.settings.gateway));
        else if (this.unfit !== undefined) this.end(this.unfit);
        else this.close();
      });
    }
  }

  private onStatus(status: StatusObject): void {
    const { refusal } = this;
    if (refusal !== undefined) {
      this.end(refusalOf(refusal, this.settings.nameOf), !refusal.retryable);
      return;
    }
    this.log.debug({ status: grpcStatus[status.code], details: status.details }, 'how gRPC ended the call');
    if (this.shutdown || this.unfit !== undefined) {
      this.end(this.unfit ?? shutdownOf(this.settings.gateway));
      return;
    }
    const { reason, isFinal } = endOfCall(status, this.settings, this.dialled.stuckAt(status.details));
    this.end(reason, isFinal);
  }

  /** @param isFinal what the gateway said of another attempt; after Welcome it does not count */
  private end(reason: BerthError, isFinal = false): void {
    if (this.ended) return;
    this.ended = true;
    this.upkeep.stop();
    clearTimeout(this.leaveTimer);
    this.session.close(reason);
    this.dialled.release();
    const livedMs = this.welcomedAt === undefined ? 0 : performance.now() - this.welcomedAt;
    this.log.debug({ code: reason.code, reason: reason.message, livedMs: Math.round(livedMs) }, 'connection ended');
    const final = isFinal && this.welcomedAt === undefined;
    this.events.ended(this, { final, refused: this.welcomedAt === undefined && isRefusal(reason), reason, livedMs });
  }
}

function shutdownOf(gateway: string): BerthError {
  return new BerthError('BERTH_DRAINING', `the gateway at ${gateway} is shutting down`);
}

/** A gateway that is on its way out will be there again soon; who is no gateway has no say. */
function isRefusal({ code }: BerthError): boolean {
  return code !== 'BERTH_CONNECTION_CLOSED' && code !== 'BERTH_DRAINING';
}
