import type { AgentConnection } from '@berth/agent-pool';
import { Inject, Injectable } from '@nestjs/common';
import { BerthError } from '@berth/errors';
import type { Log } from '@berth/observability';
import { Agent } from './agent.js';
import { AgentReports } from './agent-reports.js';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { AgentBerths, agentPortsConfig } from '../ports/index.js';
import { agentsConfig } from './agents.settings.js';
import { PoolCare } from './pool-care.js';
import { groupOf, RegistrationLimits } from './registration-limits.js';
import type { LocalService, ServiceOffer } from './local-service.js';
import { closedMeanwhile, type Entry, replaced, type ServiceEntry, shuttingDown, tooMany } from './registry-entry.js';
import type { HoldOptions, Registration, RegistryOptions } from './registry-options.js';
import { ServiceChanges } from './service-changes.js';
import { type ServiceClaim, type ServiceOutcome, ServicePorts, whyNone } from './service-ports.js';
import { Succession } from './succession.js';

/**
 * Which agents there are. An agent is registered when its port listens and its
 * connection is in the pool; it is gone when its last connection is.
 */
@Injectable()
export class AgentRegistry {
  private readonly entries = new Map<string, Entry>();
  private readonly succession: Succession;
  private readonly care: PoolCare;
  private readonly limits: RegistrationLimits;
  private readonly services: ServicePorts;
  private readonly changes: ServiceChanges;
  private shuttingDown = false;

  constructor(
    private readonly berths: AgentBerths,
    @Inject(agentsConfig.KEY) private readonly options: RegistryOptions,
    @Inject(agentPortsConfig.KEY) ports: HoldOptions,
    private readonly reports: AgentReports,
    private readonly events: LifecycleEvents,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {
    // The newcomer's own handshake must live to hear the verdict.
    const duplicateProbeMs = Math.min(options.duplicateProbeMs, options.handshakeTimeoutMs / 2);
    this.succession = new Succession({ ...options, duplicateProbeMs }, events, log);
    this.care = new PoolCare(options, events, log);
    this.limits = new RegistrationLimits(options);
    this.services = new ServicePorts(berths, this.care, ports.holdMs, log, this.forgetEmpty);
    const find = (agentId: string): Entry | undefined => (this.shuttingDown ? undefined : this.entries.get(agentId));
    const left = (entry: Entry): void => {
      this.dropIfEmpty(entry, 'closed');
    };
    this.changes = new ServiceChanges({ find, left }, this.services, log);
  }

  get(agentId: string): Agent | undefined {
    const agent = this.entries.get(agentId)?.agent;
    return agent?.connected === true ? agent : undefined;
  }

  /** Connected agents, in the order of their ports. */
  list(): Agent[] {
    return [...this.entries.values()]
      .map(({ agent }) => agent)
      .filter((agent) => agent.connected)
      .sort((a, b) => a.port - b.port);
  }

  /**
   * Puts a connection into service. Resolves with the agent once its port listens.
   *
   * @param welcome says yes to the agent; called right before the connection is handed out
   * @throws BerthError `BERTH_AGENT_NOT_ALLOWED`, `BERTH_DRAINING`, `BERTH_AGENT_EXISTS`, `BERTH_TOO_MANY_CONNECTIONS`,
   *   `BERTH_TOO_MANY_AGENTS`,
   *   `BERTH_CONNECTION_CLOSED` when the connection went meanwhile, and what {@link AgentBerths.start} throws
   */
  async register(
    connection: AgentConnection,
    registration: Registration,
    welcome: (ports: readonly ServiceOutcome[]) => void,
  ): Promise<Agent> {
    this.limits.checkId(connection.agentId);
    const find = (): Entry | undefined => this.entries.get(connection.agentId);
    const claim = (): Entry => this.claim(connection);
    const isContested = this.succession.isContested(find(), connection);
    const entry = isContested ? await this.succession.contest(find, connection, claim) : claim();
    const { agent } = entry;
    // Who makes a port goes by it.
    if (!agent.connected) agent.metadata = registration.metadata;
    const claims = this.services.claim(entry, registration.services);
    await this.services.settle(claims);
    entry.arriving -= 1;
    const had = claims.flatMap(({ held, error }) => (held === undefined || error !== undefined ? [] : [held]));
    // Anything may have happened while the servers started (checklist A14).
    const obstacle = had.length === 0 ? whyNone(claims) : this.obstacle(entry, connection);
    if (obstacle !== undefined) {
      this.dropIfEmpty(entry, obstacle.code);
      throw obstacle;
    }
    const isLost = ({ service: { name } }: ServiceEntry, i: number): boolean => entry.services.get(name) !== had[i];
    if (this.entries.get(agent.id) !== entry || had.some(isLost))
      return this.register(connection, registration, welcome);
    this.admit(entry, connection, registration.metadata, claims, welcome);
    return agent;
  }

  /** Has a connection in service lead to other local services; see {@link ServiceChanges.apply}. */
  changeServices(
    connection: AgentConnection,
    offers: readonly ServiceOffer[],
  ): Promise<readonly ServiceOutcome[] | undefined> {
    return this.changes.apply(connection, offers);
  }

  /** To be called once when a connection has closed; compares identity, so a replaced one changes nothing (A11). */
  unregister(connection: AgentConnection, reason: string): void {
    const entry = this.entries.get(connection.agentId);
    if (entry?.agent.remove(connection) !== true) return;
    this.events.emit('connection.closed', { agentId: connection.agentId, connectionId: connection.id, reason });
    this.dropIfEmpty(entry, reason);
  }

  /**
   * Disconnects an agent on an operator's word; it may come back. Exchanges
   * under way may end within `drainTimeoutMs`.
   *
   * @param now cuts everything off at once
   * @param connectionId one of its connections alone
   * @throws BerthError `BERTH_NOT_FOUND`
   */
  disconnect(agentId: string, now = false, connectionId?: string): void {
    const agent = this.get(agentId);
    if (agent === undefined) throw new BerthError('BERTH_NOT_FOUND', `Agent ${agentId} not found`);
    const meant = agent.connections.filter(({ id }) => id === (connectionId ?? id));
    if (meant.length === 0) {
      throw new BerthError('BERTH_NOT_FOUND', `Agent ${agentId} has no connection ${connectionId ?? ''}`);
    }
    agent.disconnect(now ? 0 : this.options.drainTimeoutMs, now, meant);
  }

  /**
   * Drops connections that have been silent for too long (checklist A12), and agents whose server is gone (A8).
   *
   * @param now monotonic ms: a step of the wall clock silences nobody
   */
  sweep(now: number): void {
    this.berths.checkListening();
    for (const { agent } of this.entries.values()) this.care.sweep(agent, now);
  }

  /** To be called about once a second: health and outliers. @param now monotonic ms */
  tick(now: number): void {
    for (const { services } of this.entries.values()) {
      for (const service of services.values()) this.care.tick(service, now);
    }
  }

  /**
   * Shuts down: refuses new agents, asks those that are here to leave, lets
   * requests under way end, then closes every connection.
   *
   * @param graceMs for requests under way, ms
   */
  async close(graceMs: number): Promise<void> {
    this.shuttingDown = true;
    this.services.close();
    for (const { agent } of this.entries.values()) agent.shutDown(graceMs, shuttingDown());
    await this.berths.close(graceMs);
    for (const { agent } of this.entries.values()) {
      for (const connection of agent.connections) connection.close(shuttingDown());
    }
    this.entries.clear();
  }

  /** Exchanges under way in all agents. */
  get inFlight(): number {
    let sum = 0;
    for (const { agent } of this.entries.values()) sum += agent.inFlight;
    return sum;
  }

  get closing(): boolean {
    return this.shuttingDown;
  }

  /** The entry of the connection's agent, with the connection counted as arriving. */
  private claim(connection: AgentConnection): Entry {
    if (this.shuttingDown) throw shuttingDown();
    if (connection.closed) throw closedMeanwhile(connection);
    const { agentId, origin } = connection;
    const known = this.entries.get(agentId);
    const isOther = known?.agent.isServedBy(origin.instanceId) === false;
    const isNew = isOther || known === undefined || (!known.agent.connected && known.arriving === 0);
    if (isNew) this.limits.checkRoom(connection, this.entries.values());
    if (known !== undefined) {
      if (isOther) this.succession.takeOver(known, origin.instanceId);
      if (isNew) known.address = groupOf(origin.remoteAddress);
      const full = tooMany(known.agent, origin.instanceId, this.options);
      if (full !== undefined) {
        // A takeover may have left ports that nobody serves.
        this.dropIfEmpty(known, full.code);
        throw full;
      }
      known.arriving += 1;
      return known;
    }
    const shared = this.succession.policyFor(agentId) === 'share';
    const agent = new Agent(agentId, origin.instanceId, shared, this.options.reportedMetrics);
    const address = groupOf(origin.remoteAddress);
    const entry: Entry = { agent, services: new Map(), address, announced: false, arriving: 1 };
    this.entries.set(agentId, entry);
    return entry;
  }

  /** Why a connection cannot go into service after all, now that its agent's server listens. */
  private obstacle({ agent }: Entry, connection: AgentConnection): BerthError | undefined {
    if (this.shuttingDown) return shuttingDown();
    if (connection.closed) return closedMeanwhile(connection);
    const { instanceId } = connection.origin;
    if (!agent.isServedBy(instanceId)) return replaced(agent);
    return tooMany(agent, instanceId, this.options);
  }

  private admit(
    entry: Entry,
    connection: AgentConnection,
    metadata: Readonly<Record<string, string>>,
    claims: readonly ServiceClaim[],
    welcome: (ports: readonly ServiceOutcome[]) => void,
  ): void {
    const { agent } = entry;
    const isFirst = !entry.announced;
    agent.metadata = metadata;
    agent.ending = undefined;
    const served: LocalService[] = [];
    const ports = claims.map(({ offer: { name }, held, error }): ServiceOutcome => {
      if (held === undefined || error !== undefined) return { name, port: 0, scheme: '', error };
      this.services.use(held);
      served.push(held.service);
      const { port, scheme } = held.service;
      return { name, port, scheme, error: undefined };
    });
    // Welcome is the first frame an agent gets; no Open may overtake it.
    welcome(ports);
    const { remoteAddress, softwareVersion: version } = connection.origin;
    if (isFirst) {
      entry.announced = true;
      agent.connectedAt = Date.now();
      const { id: agentId, port, scheme, kinds: services } = agent;
      this.events.emit('agent.connected', { agentId, port, scheme, services, remoteAddress, version, metadata });
      const all = ports.length > 1 ? { ports: Object.fromEntries(ports.map((its) => [its.name, its.port])) } : {};
      this.log.info({ event: 'agent_connected', agentId, port, scheme, ...all, remoteAddress }, 'agent connected');
    }
    this.events.emit('connection.opened', { agentId: agent.id, connectionId: connection.id, remoteAddress });
    this.reports.listen(agent, connection, served);
    // What the process before it served, and this one does not.
    this.services.letGo(entry, true);
  }

  private dropIfEmpty(entry: Entry, reason: string): void {
    const { agent, announced } = entry;
    if (this.entries.get(agent.id) !== entry) return;
    if (announced && !agent.connected && entry.arriving === 0) {
      entry.announced = false;
      this.events.emit('agent.disconnected', agent.leaving(reason));
      const fields = { event: 'agent_disconnected', agentId: agent.id, port: agent.port, reason };
      this.log.info(fields, 'agent disconnected');
    }
    this.services.letGo(entry, announced);
    this.forgetEmpty(entry);
  }

  private readonly forgetEmpty = (entry: Entry): void => {
    const { agent, arriving, services } = entry;
    if (agent.connected || arriving > 0 || services.size > 0 || this.entries.get(agent.id) !== entry) return;
    this.entries.delete(agent.id);
  };
}
