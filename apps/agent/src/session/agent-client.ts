import { EventEmitter } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { AgentSettings } from '../agent-settings.js';
import type { BerthError } from '@berth/errors';
import type { BodySink, IncomingExchange } from '@berth/exchange';
import { LimitedLog } from '@berth/observability';
import {
  type Goaway,
  type Hello,
  type ServiceListReply,
  WindowBudget,
  type WindowSettings,
} from '@berth/tunnel-protocol';
import { helloOffers, offersOf } from '../service-offers.js';
import { srvNameOf } from '../gateway-address.js';
import type { AgentClientOptions, AgentEvents } from './agent-client-options.js';
import { Announcer } from './announcer.js';
import { channelCredentials } from './dial.js';
import { ExchangeLog } from './exchange-log.js';
import { helloFor, helloOf } from './hello.js';
import type { Link, LinkEnd, LinkEvents } from './link.js';
import { Offers } from './offers.js';
import { Signals } from './signals.js';
import { newSlot, type Slot } from './slot.js';
import { SrvLookup } from './srv/srv-lookup.js';
import { SiloLink } from './silo/silo-link.js';
import { TunnelLink } from './tunnel-link.js';
import { type AgentRequest, watched } from './watched-exchange.js';

/** For exchanges on a connection whose successor stands, ms; the gateway's own deadline may be shorter. */
const LEAVE_MS = 600_000;

/** Keeps an agent's connections to its gateway up. */
export class AgentClient extends EventEmitter<AgentEvents> {
  /** what the agent tells its gateway of itself */
  readonly signals: Signals;
  private readonly slots: readonly Slot[];
  /** connections that were asked to leave and still answer */
  private readonly leaving = new Set<Link>();
  private hello: Hello;
  private readonly offers: Offers;
  private readonly announcer: Announcer;
  private readonly window: WindowSettings;
  private readonly channel: ReturnType<typeof channelCredentials>;
  private readonly srv: SrvLookup;
  private readonly limitedLog: LimitedLog;
  private readonly exchangeLog: ExchangeLog;
  private stopped = false;
  /** the gateway has taken this process once: what it says against it later may pass */
  private wasTaken = false;
  private drained: Promise<void> | undefined;
  private onDrained: (() => void) | undefined;

  /** @throws Error when a TLS file cannot be read */
  constructor(
    private settings: AgentSettings,
    private readonly options: AgentClientOptions,
  ) {
    super();
    const { tunnel } = settings;
    const { log, version } = options;
    this.slots = Array.from({ length: settings.connections }, () => newSlot(settings));
    this.signals = new Signals(settings.maxConcurrency, tunnel.maxExchanges);
    this.limitedLog = new LimitedLog(log);
    this.exchangeLog = new ExchangeLog(log);
    this.channel = channelCredentials(settings.tls, options.nameOf);
    this.srv = new SrvLookup({
      timeoutMs: tunnel.handshakeTimeoutMs,
      servers: options.dnsServers,
      setting: options.nameOf('gateway'),
    });
    this.window = {
      startBytes: tunnel.windowStartBytes,
      maxBytes: tunnel.windowMaxBytes,
      budget: new WindowBudget(tunnel.windowBudgetBytes),
    };
    this.hello = helloOf(settings, version, options.takeConfig !== undefined);
    this.announcer = new Announcer(log, (event, address) => this.emit(event, address));
    this.offers = new Offers(offersOf(settings), settings.requiredServices, {
      agreed: () => options.servicesAgreed?.(),
      renew: (link) => {
        const slot = this.slots.find((each) => each.link === link);
        if (slot !== undefined && settings.protocol === 'berth') this.renew(slot, link, link.gateway);
      },
    });
  }

  /** Has every connection lead to other local services; what else the settings say is for connections to come. */
  changeServices(settings: AgentSettings): void {
    const services = offersOf(settings);
    const before = this.settings;
    this.settings = settings;
    this.hello = { ...this.hello, services: helloOffers(services) };
    const isSame = isDeepStrictEqual(
      [services, settings.requiredServices],
      [offersOf(before), before.requiredServices],
    );
    if (!isSame) this.offers.change(services, settings.requiredServices);
  }

  /** Exchanges under way on all connections. */
  get inFlight(): number {
    let sum = 0;
    for (const { link } of this.slots) sum += link?.inFlight ?? 0;
    for (const link of this.leaving) sum += link.inFlight;
    return sum;
  }

  /** Dials; `ready` or `failed` follows. */
  start(): void {
    for (const slot of this.slots) this.connect(slot);
  }

  /**
   * Leaves in order: the gateway sends nothing new, exchanges under way may end.
   *
   * @param timeoutMs then what is left is cut off
   */
  stop(timeoutMs: number): Promise<void> {
    this.drained ??= new Promise<void>((resolve) => (this.onDrained = resolve));
    if (!this.stopped) {
      this.stopped = true;
      this.signals.close();
      this.offers.close();
      this.srv.close();
      for (const { retryTimer } of this.slots) clearTimeout(retryTimer);
      for (const link of this.links()) link.leave(timeoutMs);
    }
    this.checkDrained();
    return this.drained;
  }

  /** @param favourite gateway that is dialled first where the records name it and no connection stands elsewhere */
  private connect(slot: Slot, favourite?: string): void {
    const { gateway } = this.settings;
    const name = srvNameOf(gateway);
    if (name === undefined) {
      this.dial(slot, gateway);
      return;
    }
    // The connections of an agent belong to one gateway: gateways do not know of each other.
    const together = (): string | undefined =>
      this.slots.find(({ link }) => link?.registered)?.link?.gateway ?? favourite;
    this.srv.find(name, together).then(
      (gateways) => {
        if (this.stopped) return;
        this.options.log.debug({ name, gateways }, 'gateways by SRV records');
        slot.untried = gateways;
        this.dialNext(slot);
      },
      (reason: unknown) => {
        if (this.stopped) return;
        this.retry(slot, { final: false, refused: false, reason: reason as BerthError, livedMs: 0 });
      },
    );
  }

  /** @returns which one; undefined when there is none left for this attempt */
  private dialNext(slot: Slot): string | undefined {
    const gateway = slot.untried.shift();
    if (gateway !== undefined) this.dial(slot, gateway);
    return gateway;
  }

  private dial(slot: Slot, gateway: string): void {
    const { takeConfig, failed, log, nameOf } = this.options;
    const settings = { ...this.settings, gateway, nameOf };
    const { channel, window, hello } = this;
    let connectionId = '';
    const forward = (exchange: IncomingExchange): BodySink => this.options.forward(exchange, connectionId);
    const events: LinkEvents = {
      welcome: (link, registration) => {
        // Every connection has been asked to leave, and told until when.
        if (this.stopped) return;
        ({ connectionId } = registration);
        if (link.signals !== undefined) this.signals.joined(link.signals, slot.before?.signals);
        if (slot.before !== undefined) this.offers.left(slot.before);
        slot.before?.leave(LEAVE_MS);
        slot.before = undefined;
        slot.untried = [];
        this.offers.joined(link, registration.ports);
        this.wasTaken = true;
        this.announcer.welcomed(link, registration, this.settings);
      },
      goaway: (link, goaway) => {
        this.onGoaway(slot, link, goaway);
      },
      configPush: (link, push) => {
        // A gateway that sends one without being told that there is somebody for it gets no answer.
        void takeConfig?.(push).then((ack) => link.signals?.configAck(ack));
      },
      servicesReply: (link, reply) => {
        this.onServices(link, reply);
      },
      accept: (exchange) =>
        this.listenerCount('request') === 0 ? forward(exchange) : watched(exchange, connectionId, forward, this.tell),
      resetSent: (connectionId, exchange, code, reason) => {
        failed?.(exchange, code);
        this.exchangeLog.resetSent(connectionId, exchange, code, reason);
      },
      full: () => {
        // That is what the gateway was asked for.
        if (settings.maxConcurrency > 0) return;
        this.limitedLog.warn(
          { maxExchanges: settings.tunnel.maxExchanges },
          'a connection has as many exchanges as it takes, further ones get 503 (tunnel.maxExchanges)',
        );
      },
      ended: (link, end) => {
        this.onEnded(slot, link, end);
      },
    };
    slot.link =
      settings.protocol === 'silo'
        ? new SiloLink(settings, channel, events, log)
        : new TunnelLink(settings, channel, window, helloFor(this.slots.indexOf(slot), hello, settings), events, log);
    this.offers.dials(slot.link);
  }

  private onServices(link: Link, reply: ServiceListReply): void {
    if (!this.offers.replied(link, reply) || this.stopped) return;
    if (link.signals !== undefined) this.signals.repeatHealth(link.signals);
    this.announcer.changed(link, reply.ports, this.settings);
  }

  /** Make before break: this one serves on until its successor stands. */
  private onGoaway(slot: Slot, link: Link, { reconnect }: Goaway): void {
    if (!reconnect) this.offers.left(link);
    if (!reconnect && link.signals !== undefined) this.signals.left(link.signals);
    if (reconnect) this.renew(slot, link);
  }

  private renew(slot: Slot, link: Link, favourite?: string): void {
    if (slot.link !== link || this.stopped) return;
    this.leaving.add(link);
    slot.before = link;
    slot.link = undefined;
    this.connect(slot, favourite);
  }

  private onEnded(slot: Slot, link: Link, end: LinkEnd): void {
    this.offers.left(link);
    if (link.signals !== undefined) this.signals.left(link.signals);
    if (this.leaving.delete(link) || slot.link !== link) {
      if (!this.links().some(({ registered }) => registered)) this.announcer.lost();
      this.checkDrained();
      return;
    }
    slot.link = undefined;
    slot.backoff.ended(end.livedMs);
    if (end.final && !this.wasTaken) this.fail(end.reason);
    if (this.stopped) {
      this.checkDrained();
      return;
    }
    const { code, message } = end.reason;
    const next = this.dialNext(slot);
    if (next !== undefined) {
      this.options.log.warn({ code, reason: message, gateway: next }, 'no connection: the next gateway is tried');
      return;
    }
    this.retry(slot, end);
  }

  private retry(slot: Slot, end: LinkEnd): void {
    const { code, message } = end.reason;
    const retryInMs = code === 'BERTH_CONNECTION_REPLACED' ? slot.backoff.slowest() : slot.backoff.next(end.refused);
    slot.retryTimer = setTimeout(() => {
      this.connect(slot);
    }, retryInMs);
    const what = end.final ? 'the gateway refuses an agent that it took before: it tries again' : 'no connection';
    const connections = this.links().filter(({ registered }) => registered).length;
    this.options.log.warn({ event: 'no_connection', code, reason: message, retryInMs, connections }, what);
    if (connections > 0) return;
    this.announcer.lost();
    this.emit('lost', { reason: end.reason, retryInMs, refused: end.refused });
  }

  /** Not from within the exchange: what a listener throws is no fault of it. */
  private readonly tell = (request: AgentRequest): void => {
    process.nextTick(() => this.emit('request', request));
  };

  private fail(reason: BerthError): void {
    if (this.stopped) return;
    this.stopped = true;
    this.srv.close();
    for (const { retryTimer } of this.slots) clearTimeout(retryTimer);
    for (const link of this.links()) link.close();
    this.emit('gaveUp', reason);
  }

  private links(): Link[] {
    return [...this.slots.flatMap(({ link }) => (link === undefined ? [] : [link])), ...this.leaving];
  }

  private checkDrained(): void {
    if (this.links().length === 0) this.onDrained?.();
  }
}
