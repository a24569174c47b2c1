import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import { Services, ServicesError } from 'berth-services';
import { nestLog } from './nest-log.js';
import { ServiceInstances } from './service-instances.js';
import { ServicesMetrics } from './services-metrics.js';
import { type AgentToStart, SERVICES_SETTINGS, type ServicesSettings } from './services-module-options.js';

/** Starts and stops what the settings name, together with the application. */
@Injectable()
export class ServicesLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  readonly #log: Log;
  #phase: 'starting' | 'started' | 'stopping' = 'starting';
  #start: Promise<void> | undefined;
  #agentIds: string[] = [];

  constructor(
    @Inject(Services) private readonly services: Services,
    @Inject(ServiceInstances) private readonly instances: ServiceInstances,
    @Inject(ServicesMetrics) private readonly metrics: ServicesMetrics,
    @Inject(SERVICES_SETTINGS) private readonly settings: ServicesSettings,
  ) {
    this.#log = settings.log ?? nestLog();
  }

  /** @throws ServicesError `BERTH_SERVICE_INVALID`, see {@link ServicesModule.forRoot} */
  async onModuleInit(): Promise<void> {
    try {
      for (const target of this.instances.find()) this.services.add(target);
    } catch (thrown) {
      await this.#undo();
      throw thrown;
    }
  }

  /** Whoever sees the function server can count on the agents: it comes last. @throws ServerError, AgentError */
  onApplicationBootstrap(): Promise<void> {
    this.#start = this.#startAll();
    return this.#start;
  }

  /**
   * Nothing new is taken, and running calls end, while all that they need is still there: by the
   * place of {@link ServicesModule} this comes before every other `onModuleDestroy`.
   */
  async onModuleDestroy(): Promise<void> {
    this.#phase = 'stopping';
    // What is still starting is waited for; its failure is the start's to tell.
    await this.#start?.catch(() => undefined);
    const stopServer = (): Promise<void> =>
      this.services.isServerRunning() ? this.services.stopServer() : Promise.resolve();
    await Promise.all([
      this.#quietly('stop the agents', () => this.services.stopAllAgents()),
      this.#quietly('stop the function server', stopServer),
    ]);
  }

  /** Only now, since other modules may look at state or dead letters in their `onModuleDestroy`. */
  async onApplicationShutdown(): Promise<void> {
    await this.#quietly('close', () => this.services.close());
  }

  /** What should run by the settings, and does not: sentences for people, none when all is well. */
  missing(): string[] {
    if (this.#phase !== 'started') return [`the application is ${this.#phase}`];
    const agents = this.services.listAgents();
    const notRunning = this.#agentIds
      .map((id) => ({ id, state: agents[id]?.state ?? 'stopped' }))
      .filter(({ state }) => state !== 'running')
      .map(({ id, state }) => `agent ${id} is ${state}`);
    const server = this.#serverShouldRun && !this.services.isServerRunning();
    return server ? ['the function server does not run', ...notRunning] : notRunning;
  }

  get #serverShouldRun(): boolean {
    return this.settings.server !== undefined && this.settings.server.autoStart !== false;
  }

  async #startAll(): Promise<void> {
    try {
      await this.#startAgents(this.settings.agents ?? []);
      const { port } = this.settings.server ?? {};
      if (this.#serverShouldRun && this.#phase === 'starting') await this.services.startServer({ port });
    } catch (thrown) {
      await this.#undo();
      throw thrown;
    }
    if (this.#phase === 'starting') this.#phase = 'started';
  }

  /** Nest calls no hooks after a failed start: nothing may be left running or registered. */
  async #undo(): Promise<void> {
    this.metrics.unregister();
    await this.#quietly('close', () => this.services.close());
  }

  async #startAgents(agents: readonly AgentToStart[]): Promise<void> {
    const started = await Promise.allSettled(
      agents.map((agent) => {
        if (typeof agent === 'function') return this.services.startAgent(agent);
        const { service, ...options } = agent;
        return this.services.startAgent(service, options);
      }),
    );
    // All have settled: none can come up behind the back of the close that follows a failure.
    for (const outcome of started) {
      if (outcome.status === 'rejected') throw outcome.reason;
      this.#agentIds.push(outcome.value);
    }
  }

  /** A shutdown goes on past a failure, and says what failed. */
  async #quietly(what: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (thrown) {
      const details = thrown instanceof ServicesError ? thrown.details : {};
      this.#log.error({ ...details }, `services: could not ${what} cleanly: ${messageOf(thrown)}`);
    }
  }
}
