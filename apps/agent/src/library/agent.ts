import { EventEmitter } from 'node:events';
import { BerthError, isErrorCode } from '@berth/errors';
import type { RunningAgent } from '../launch-agent.js';
import type { AgentAddress, ServiceAddress } from '../session/agent-address.js';
import type { AgentRequest } from '../session/watched-exchange.js';

/**
 * Of one local service: `open`, clients reach it; `unreachable`, they get 502 because it takes no connections;
 * `refused`, the gateway has no port for it, see `error`; `offline`, there is no connection to the gateway now.
 */
export type PortState = 'open' | 'unreachable' | 'refused' | 'offline';

/** Where clients reach one local service. */
export interface AgentPort {
  /** `default` for `target` and `handler`, else its name in `expose` */
  readonly name: string;
  /** of scheme, host and port, such as `http://gateway.example:8100`; empty without a port */
  readonly url: string;
  /** 0: none, or not known (`protocol: 'silo'`) */
  readonly port: number;
  readonly state: PortState;
  /** why it is `refused` */
  readonly error?: BerthError;
}

/** What an agent tells; listeners run in a turn of their own. */
export interface AgentEventMap {
  /** the gateway has taken it again after a loss, or has other ports for it */
  ready: [readonly AgentPort[]];
  /** no connection to the gateway is left, or an attempt has failed; the next comes after `retryInMs` */
  reconnecting: [{ readonly reason: BerthError; readonly retryInMs: number }];
  /** the gateway says no: to a local service, or to the agent, which tries again all the same */
  refused: [{ readonly error: BerthError; readonly service?: string }];
  /** a request, an upgraded connection or one of raw TCP has ended; costs nothing while nobody listens */
  request: [AgentRequest];
  /** {@link Agent.close} is through */
  closed: [];
}

/** An agent in this process that a gateway has taken. It keeps itself connected until it is closed. */
export class Agent extends EventEmitter<AgentEventMap> implements AsyncDisposable {
  private address: AgentAddress;
  private online = true;
  private closing: Promise<void> | undefined;

  /**
   * @param id at the gateway
   * @param resources end with it
   */
  constructor(
    readonly id: string,
    private readonly running: RunningAgent,
    address: AgentAddress,
    private readonly resources: AsyncDisposableStack,
  ) {
    super();
    this.address = address;
    const { client } = running;
    client
      .on('ready', (now) => {
        this.online = true;
        this.update(now);
      })
      .on('services', (now) => {
        this.update(now);
      })
      .on('lost', ({ reason, retryInMs, refused }) => {
        this.online = false;
        if (refused) this.tell('refused', { error: reason });
        this.tell('reconnecting', { reason, retryInMs });
      });
    for (const service of address.services) this.tellRefusal(service);
    // Exchanges are watched only for somebody.
    const pass = (request: AgentRequest): void => void this.emit('request', request);
    const events = this as EventEmitter;
    events.on('newListener', (event) => {
      if (event === 'request' && this.listenerCount('request') === 0) client.on('request', pass);
    });
    events.on('removeListener', (event) => {
      if (event === 'request' && this.listenerCount('request') === 0) client.off('request', pass);
    });
  }

  /** Where clients reach the first local service; empty when the gateway has no port for it, or does not say. */
  get url(): string {
    return this.address.services[0]?.url ?? '';
  }

  /** Every local service, in the order of the options. */
  get ports(): readonly AgentPort[] {
    return this.address.services.map((service) => this.portOf(service));
  }

  /**
   * Leaves in order: the gateway sends nothing new, requests under way may end within `shutdown.timeoutMs`. May be
   * called again, and never rejects.
   */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async end(): Promise<void> {
    await this.running.stop();
    await this.resources.disposeAsync();
    this.online = false;
    this.tell('closed');
  }

  private update(address: AgentAddress): void {
    const before = this.address.services;
    this.address = address;
    for (const service of address.services) {
      const code = before.find(({ name }) => name === service.name)?.refused?.code;
      if (service.refused?.code !== code) this.tellRefusal(service);
    }
    this.tell('ready', this.ports);
  }

  private tellRefusal({ name, refused }: ServiceAddress): void {
    if (refused !== undefined) this.tell('refused', { error: errorOf(refused), service: name });
  }

  private portOf({ name, url, port, refused }: ServiceAddress): AgentPort {
    const known = { name, url, port };
    if (!this.online) return { ...known, state: 'offline' };
    if (refused !== undefined) return { ...known, state: 'refused', error: errorOf(refused) };
    return { ...known, state: this.running.health(name)?.healthy === false ? 'unreachable' : 'open' };
  }

  /** What a listener throws is its owner's affair, and no other's on the way here. */
  private tell<E extends keyof AgentEventMap>(event: E, ...told: AgentEventMap[E]): void {
    setImmediate(() => (this as EventEmitter).emit(event, ...told));
  }
}

function errorOf({ code, message }: { code: string; message: string }): BerthError {
  return new BerthError(isErrorCode(code) ? code : 'BERTH_INTERNAL', message);
}
