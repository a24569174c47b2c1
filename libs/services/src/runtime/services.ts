import { messageOf } from '@berth/errors';
import { AgentManager, type AgentSelector, type StartAgentOptions } from '../agents/agent-manager.js';
import type { AgentInfo } from '../agents/object-agent.js';
import type { InvocationBus } from '../bus/invocation-bus.js';
import { MemoryBus } from '../bus/memory-bus.js';
import type { LocalTransport } from '../client/local-transport.js';
import { definitions, requireDefinition, type ServiceClass } from '../definition/service-definition.js';
import { AgentError, invalid, ServerError } from '../errors.js';
import { Executor } from '../invocation/executor.js';
import { MAX_PARTITION, wholeNumber } from '../numbers.js';
import { MemoryStore } from '../objects/memory-store.js';
import { ObjectHost } from '../objects/object-host.js';
import { objectIdText } from '../objects/object-id.js';
import type { ObjectStore } from '../objects/object-store.js';
import {
  FunctionServer,
  type ServerInfo,
  type StartServerOptions,
  type StopServerOptions,
} from '../server/function-server.js';
import { closeOnSignals } from './closing-signals.js';
import { type HealthReport, healthReport } from './health-report.js';
import { type ServedService, ServiceRegistry } from './service-registry.js';
import { type ResolvedOptions, resolveOptions, type ServicesOptions } from './services-options.js';

/** {@link Services.getServerInfo} (checklist B3). */
export interface ServicesServerInfo extends ServerInfo {
  readonly mockMode: boolean;
  readonly registeredServices: number;
}

const bound = new WeakMap<ServiceClass, Services>();

/** The runtime that a class's own conveniences speak to: the last open one that was given it (checklist B11). */
export function boundRuntime(service: ServiceClass): Services | undefined {
  return bound.get(service);
}

/**
 * A runtime of services: their function server, their agents, and what both need. Server and agents do not need each
 * other (checklist B10).
 */
export class Services {
  readonly bus: InvocationBus;
  readonly store: ObjectStore;
  /** where agents and objects are when nobody says otherwise */
  readonly defaultPartition: number;
  readonly #options: ResolvedOptions;
  readonly #registry = new ServiceRegistry();
  readonly #objects: ObjectHost;
  readonly #executor: Executor;
  readonly #server: FunctionServer;
  readonly #agents: AgentManager;
  readonly #owned: readonly { close(): Promise<void> }[];
  readonly #closed = Promise.withResolvers<undefined>();
  #closing: Promise<void> | undefined;
  #removeSignals: (() => void) | undefined;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` an option is out of its range, a class is not decorated, or two share an id */
  constructor(private readonly given: ServicesOptions = {}) {
    const options = resolveOptions(given);
    const { log, mock, defaultPartition } = options;
    this.#options = options;
    this.defaultPartition = defaultPartition;
    this.bus = given.bus ?? new MemoryBus();
    this.store = given.store ?? new MemoryStore();
    if (given.log !== undefined) this.bus.useLog?.(given.log);
    this.#owned = [this.bus, this.store].filter((part) => part !== given.bus && part !== given.store);
    this.#objects = new ObjectHost(this.store, options);
    this.#executor = new Executor(this.#registry, this.#objects, this.store, options, log);
    const { handle } = this.#executor;
    this.#server = new FunctionServer(handle, given.server ?? {}, log, mock);
    this.#agents = new AgentManager(this.bus, handle, options, log);
    for (const service of given.services ?? []) this.add(service);
  }

  /**
   * Adds a service. The shortcuts of its class speak to this runtime from now on (checklist B11).
   *
   * @throws ServicesError `BERTH_SERVICE_INVALID` it is not decorated, or another class has its id
   */
  add(service: ServiceClass): void {
    this.#registry.add(service, this.#options.create);
    if (this.#closing === undefined) bound.set(service, this);
  }

  /** The services of this runtime. */
  services(): Iterable<ServedService> {
    return this.#registry.values();
  }

  /** Objects in memory. */
  get activeObjects(): number {
    return this.#objects.size;
  }

  /**
   * Starts the function server; resolves when it listens (checklist B1).
   *
   * @throws ServerError `BERTH_FUNCTION_SERVER_RUNNING`; `BERTH_FUNCTION_SERVER_FAILED`: it does not run then;
   *   `BERTH_SERVICE_INVALID` this runtime is closed
   */
  async startServer(options?: StartServerOptions): Promise<void> {
    this.#beforeServing();
    await this.#server.start(options);
  }

  /** Lets running calls end, those of this process too, then stops (B2). @throws ServerError `BERTH_FUNCTION_SERVER_NOT_RUNNING` */
  stopServer(options?: StopServerOptions): Promise<void> {
    return this.#server.stop(options);
  }

  /** On the given port, else the last one, else 8080; also when stopped (B4). @throws ServerError `BERTH_FUNCTION_SERVER_FAILED` */
  async restartServer(options?: StartServerOptions): Promise<void> {
    this.#beforeServing();
    await this.#server.restart(options);
  }

  isServerRunning(): boolean {
    return this.#server.isRunning();
  }

  /** B3. Only looks: without a list, what is decorated counts as registered, since a start will serve it. */
  getServerInfo(): ServicesServerInfo {
    const ids = new Set(this.#registry.keys());
    if (this.given.services === undefined) for (const { id } of definitions.values()) ids.add(id);
    return { ...this.#server.info(), mockMode: this.#options.mock, registeredServices: ids.size };
  }

  /**
   * Starts an agent for a service or one of its objects; resolves when calls can reach it (B5).
   *
   * @returns its id, `pkg.Service[:objectId][@partition]`
   * @throws AgentError see {@link AgentManager.start}; `BERTH_SERVICE_INVALID` this runtime is closed
   */
  async startAgent(service: ServiceClass, options?: StartAgentOptions): Promise<string> {
    this.#checkOpen(AgentError);
    if (definitions.has(service)) this.add(service);
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

  /** B9: goes on past a failure; waits for those that start or stop. @throws AgentError `BERTH_OBJECT_AGENT_FAILED`, `details.failures` */
  stopAllAgents(): Promise<void> {
    return this.#agents.stopAll();
  }

  /**
   * Forgets an object and its state.
   *
   * @param partition 0..2^32-1; default: the runtime's
   * @returns whether there was one
   * @throws ServicesError `BERTH_SERVICE_INVALID` the service is not one of this runtime, or the partition is none;
   *   `BERTH_SERVICE_BAD_OBJECT_ID`; `BERTH_SERVICE_STORE_UNAVAILABLE`
   */
  async deleteObject(
    service: ServiceClass,
    objectId: string | bigint,
    partition = this.defaultPartition,
  ): Promise<boolean> {
    const { id } = requireDefinition(service);
    const served = this.given.services === undefined ? this.#take(service) : this.#registry.get(id);
    if (served?.definition.target !== service) throw invalid(`Service class ${service.name} not registered`);
    wholeNumber('deleteObject: partition', partition, 0, MAX_PARTITION);
    const key = { service: id, partition, objectId: objectIdText(objectId) };
    return this.#objects.delete(served, key);
  }

  /** The function server as a client in this process sees it. */
  localServer(): LocalTransport {
    return this.#server.local;
  }

  /** B17 */
  health(): HealthReport {
    return healthReport(this);
  }

  /**
   * Stops agents and server, lets their calls end, and closes what this runtime has made itself. What is starting or
   * stopping is waited for; nothing can be started any more.
   *
   * @throws AgentError, ServerError the first thing that did not end cleanly; all else is closed all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => {
      this.#removeSignals?.();
      this.#closed.resolve(undefined);
    });
    return this.#closing;
  }

  /**
   * From now on SIGTERM and SIGINT call {@link close}; one that comes more than 300 ms after the first ends the process
   * at once, with 128 and its number. The listeners go when all is closed.
   *
   * @returns resolves when this runtime is closed, however that came; then close what it was given. Never rejects: a
   *   close by a signal that fails is logged, and the process's exit code is 1
   */
  closeOnSignals(): Promise<void> {
    if (this.#closing === undefined) this.#removeSignals ??= closeOnSignals(this.#closeAtSignal);
    return this.#closed.promise;
  }

  readonly #closeAtSignal = (): void => {
    this.close().catch((thrown: unknown) => {
      process.exitCode = 1;
      this.#options.log.error({}, `services: could not close cleanly: ${messageOf(thrown)}`);
    });
  };

  async #close(): Promise<void> {
    const stopped = await Promise.allSettled([this.stopAllAgents(), this.#server.close()]);
    this.#executor.letGo();
    const closed = await Promise.allSettled(this.#owned.map((part) => part.close()));
    // A class that another runtime has taken since stays there.
    for (const { definition } of this.services())
      if (bound.get(definition.target) === this) bound.delete(definition.target);
    const failure = [...stopped, ...closed].find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  #checkOpen(ErrorClass: typeof AgentError | typeof ServerError): void {
    if (this.#closing !== undefined)
      throw invalid('these services are closed: make new ones, nothing starts here', ErrorClass);
  }

  /** Without a list, whatever is decorated by now is served. */
  #beforeServing(): void {
    this.#checkOpen(ServerError);
    if (this.given.services === undefined) for (const target of definitions.keys()) this.#take(target);
  }

  /** Adds one that nobody gave this runtime: its shortcuts stay where they are. */
  #take(service: ServiceClass): ServedService {
    const served = this.#registry.add(service, this.#options.create);
    if (!bound.has(service) && this.#closing === undefined) bound.set(service, this);
    return served;
  }
}
