import { type AgentInfo, AgentManager, type AgentSelector, type StartAgentOptions } from '../agents/agent-manager.js';
import type { InvocationBus } from '../bus/invocation-bus.js';
import { MemoryBus } from '../bus/memory-bus.js';
import type { InvocationTransport } from '../client/invocation-transport.js';
import { LocalTransport } from '../client/local-transport.js';
import { decoratedServices, definitionOf, type ServiceClass } from '../definition/service-definition.js';
import { Executor } from '../invocation/executor.js';
import { MemoryStore } from '../objects/memory-store.js';
import { ObjectHost } from '../objects/object-host.js';
import { objectIdText } from '../objects/object-id.js';
import type { ObjectStore } from '../objects/object-store.js';
import { FunctionServer } from '../server/function-server.js';
import { MockServer } from '../server/mock-server.js';
import type { ServerInfo, ServerLifecycle, StartServerOptions, StopServerOptions } from '../server/server-lifecycle.js';
import { bindRuntime } from './binding.js';
import { type HealthReport, healthReport } from './health-report.js';
import { type ServedService, ServiceRegistry } from './service-registry.js';
import { type ResolvedOptions, resolveOptions, type ServicesOptions } from './services-options.js';

/** {@link Services.getServerInfo} (checklist B3). */
export interface ServicesServerInfo extends ServerInfo {
  readonly mockMode: boolean;
  readonly registeredServices: number;
}

/**
 * A runtime of services: their function server, their agents, and what both
 * need. Server and agents do not need each other (checklist B10).
 */
export class Services {
  readonly bus: InvocationBus;
  readonly store: ObjectStore;
  readonly #options: ResolvedOptions;
  readonly #registry = new ServiceRegistry();
  readonly #objects: ObjectHost;
  readonly #executor: Executor;
  readonly #server: ServerLifecycle;
  readonly #agents: AgentManager;
  readonly #owned: readonly { close(): Promise<void> }[];

  /** @throws ServicesError `BERTH_SERVICE_INVALID` an option is out of its range, a class is not decorated, or two share an id */
  constructor(private readonly given: ServicesOptions = {}) {
    const options = resolveOptions(given);
    this.#options = options;
    this.bus = given.bus ?? new MemoryBus();
    this.store = given.store ?? new MemoryStore();
    this.#owned = [...(given.bus === undefined ? [this.bus] : []), ...(given.store === undefined ? [this.store] : [])];
    this.#objects = new ObjectHost(this.store, options);
    this.#executor = new Executor(this.#registry, this.#objects, this.store, options, options.log);
    const { handle } = this.#executor;
    this.#server = options.mock ? new MockServer() : new FunctionServer(handle, given.server ?? {}, options.log);
    const { defaultPartition, agentConcurrency: concurrency, agentStopTimeoutMs: stopTimeoutMs } = options;
    this.#agents = new AgentManager(this.bus, handle, { defaultPartition, concurrency, stopTimeoutMs }, options.log);
    for (const service of given.services ?? []) this.add(service);
  }

  /**
   * Adds a service.
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID` it is not decorated, or another class has its id
   */
  add(service: ServiceClass): void {
    this.#registry.add(service, this.#options.create);
    bindRuntime(service, this);
  }

  /** The services of this runtime. */
  services(): Iterable<ServedService> {
    return this.#registry.all();
  }

  /** Where agents and objects are when nobody says otherwise. */
  get defaultPartition(): number {
    return this.#options.defaultPartition;
  }

  /** Objects in memory. */
  get activeObjects(): number {
    return this.#objects.size;
  }

  /**
   * Starts the function server; resolves when it listens (checklist B1).
   *
   * @throws ServerError `BERTH_FUNCTION_SERVER_RUNNING`; `BERTH_FUNCTION_SERVER_FAILED`: it does not run then
   */
  async startServer(options?: StartServerOptions): Promise<void> {
    this.#adopt();
    await this.#server.start(options);
  }

  /** Lets running calls end, then stops (B2). @throws ServerError `BERTH_FUNCTION_SERVER_NOT_RUNNING` */
  async stopServer(options?: StopServerOptions): Promise<void> {
    await this.#server.stop(options);
  }

  /** On the given port, else the last one, else 8080; also when stopped (B4). @throws ServerError `BERTH_FUNCTION_SERVER_FAILED` */
  async restartServer(options?: StartServerOptions): Promise<void> {
    this.#adopt();
    await this.#server.restart(options);
  }

  isServerRunning(): boolean {
    return this.#server.isRunning();
  }

  /** B3 */
  getServerInfo(): ServicesServerInfo {
    this.#adopt();
    return { ...this.#server.info(), mockMode: this.#options.mock, registeredServices: this.#registry.size };
  }

  /**
   * Starts an agent for a service or one of its objects; resolves when calls can reach it (B5).
   *
   * @returns its id, `pkg.Service[:objectId][@partition]`
   * @throws AgentError see {@link AgentManager.start}
   */
  async startAgent(service: ServiceClass, options?: StartAgentOptions): Promise<string> {
    if (definitionOf(service) !== undefined) this.add(service);
    return this.#agents.start(service, options);
  }

  /** B7. @throws AgentError `BERTH_OBJECT_AGENT_NOT_RUNNING`, `BERTH_OBJECT_AGENT_FAILED` */
  stopAgent(which: string | Partial<AgentSelector>): Promise<void> {
    return this.#agents.stop(which);
  }

  /** B8: by id. */
  listAgents(): Record<string, AgentInfo> {
    return this.#agents.list();
  }

  /** B9: goes on past a failure. @throws AgentError `BERTH_OBJECT_AGENT_FAILED`, `details.failures` */
  stopAllAgents(): Promise<void> {
    return this.#agents.stopAll();
  }

  /** Forgets an object and its state. @returns whether there was one. @throws ServicesError `BERTH_SERVICE_INVALID`, `_BAD_OBJECT_ID` */
  deleteObject(service: ServiceClass, objectId: string | bigint, partition?: number): Promise<boolean> {
    const served = this.#registry.add(service, this.#options.create);
    return this.#objects.delete(served, {
      service: served.definition.id,
      partition: partition ?? this.#options.defaultPartition,
      objectId: objectIdText(objectId),
    });
  }

  /** The function server as a client in this process sees it. */
  localServer(): InvocationTransport {
    return new LocalTransport(this.#executor.handle, () => this.isServerRunning());
  }

  /** B17 */
  health(): HealthReport {
    return healthReport(this);
  }

  /** Stops agents and server, lets their calls end, and closes what this runtime has made itself. */
  async close(): Promise<void> {
    const server = this.isServerRunning() ? this.stopServer() : Promise.resolve();
    const ended = await Promise.allSettled([this.stopAllAgents(), server]);
    await Promise.all(this.#owned.map((part) => part.close()));
    const failure = ended.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  /** Without a list, whatever is decorated by now is served. */
  #adopt(): void {
    if (this.given.services === undefined) for (const { target } of decoratedServices()) this.add(target);
  }
}
