import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { AgentSettings } from './agent-settings.js';
import type { BerthError } from '@berth/errors';
import { createLogger, type Log } from '@berth/observability';
import { effectiveLimits } from './effective-limits.js';
import type { LocalHealth } from './forward/local-watch.js';
import { ConfigTaker } from './pushed-config/config-taker.js';
import { LocalServices } from './local-services.js';
import { reportSelf } from './report/self-report.js';
import type { AgentAddress } from './session/agent-address.js';
import type { NameOf } from './session/link.js';
import { AgentClient } from './session/agent-client.js';
import { type AgentStatus, StatusKeeper } from './status/agent-status.js';
import { AgentTracing } from './tracing/agent-tracing.js';
import { VERSION } from './version.js';

/** An agent that keeps itself connected. */
export interface RunningAgent {
  /**
   * The first registration: where the agent can be reached. Rejects with the
   * gateway's reason when it will not be tried again.
   */
  ready: Promise<AgentAddress>;
  /** Resolves when the agent gave up for good, with the reason; never otherwise. */
  gaveUp: Promise<BerthError>;
  /** Leaves in order; what still runs after `shutdown.timeoutMs`, or another time, is cut off. */
  stop(timeoutMs?: number): Promise<void>;
  /** Whether a local service can be reached; undefined for one that there is not. */
  health(service: string): LocalHealth | undefined;
  client: AgentClient;
  /**
   * Takes other settings up while it runs; no exchange is cut. Those count that are declared `live`; the others must be
   * as they were.
   *
   * @throws BerthError `BERTH_CONFIG_INVALID` when a file cannot be used; then nothing has changed
   */
  change(settings: AgentSettings): void;
  /** How it is now: connected or not, where it can be reached, figures. */
  status(): AgentStatus;
}

export interface LaunchOptions {
  log?: Log;
  /** what the agent calls its own version */
  version?: string;
  /** DNS servers to ask for SRV records, as `host:port`; those of the machine unless given */
  dnsServers?: readonly string[];
  /** what people call a setting, for messages; its path unless given */
  nameOf?: NameOf;
}

/** Starts an agent in this process. */
export function launchAgent(given: AgentSettings, options: LaunchOptions = {}): RunningAgent {
  const log = options.log ?? createLogger('agent', given.log, 2);
  let settings = effectiveLimits(given, log);
  const { configPush } = settings;
  const takesConfig = configPush.file !== '' || configPush.command.length > 0;
  const configTaker = takesConfig ? new ConfigTaker(configPush, log) : undefined;
  const { tracing: traces } = settings;
  const facts = { name: 'berth-agent', version: options.version ?? VERSION, instance: settings.id };
  const tracing = traces.endpoint === '' ? undefined : new AgentTracing(traces, facts, log);
  const services = new LocalServices(settings, log, (name, health) => {
    client.signals.setHealth(name, health);
  });
  const client: AgentClient = new AgentClient(settings, {
    version: options.version ?? VERSION,
    forward:
      tracing === undefined
        ? services.forward
        : (exchange, connectionId) => tracing.forward(exchange, connectionId, services.forward),
    takeConfig: configTaker && ((push) => configTaker.take(push)),
    failed: (exchange, code) => {
      services.failed(exchange, code);
    },
    servicesAgreed: () => {
      services.release();
    },
    dnsServers: options.dnsServers,
    nameOf: options.nameOf ?? ((path) => path),
    log,
  });
  const keeper = new StatusKeeper(client);
  let reporting = reportSelf(settings.metrics, client, () => services.list, log);
  const gaveUp = once(client, 'gaveUp').then(([reason]) => reason as BerthError);
  const ready = Promise.race([
    once(client, 'ready').then(([address]) => address as AgentAddress),
    gaveUp.then((reason) => {
      throw reason;
    }),
  ]);
  // Whoever does not ask for it must not be ended by it.
  ready.catch(() => undefined);
  const stopParts = (): void => {
    services.stop();
    configTaker?.stop();
    reporting.stop();
  };
  // Nothing of it keeps a process that has nothing else to do.
  void gaveUp.then(stopParts).then(() => tracing?.stop());
  services.start();
  client.start();
  return {
    ready,
    gaveUp,
    client,
    change(next) {
      const before = settings;
      const now = effectiveLimits(next, log);
      services.change(now);
      settings = now;
      client.changeServices(now);
      if (isDeepStrictEqual(before.metrics, now.metrics)) return;
      reporting.stop();
      reporting = reportSelf(now.metrics, client, () => services.list, log);
      reporting.begin();
    },
    health: (service) => services.list.find(({ name }) => name === service)?.watch.health,
    status: () => keeper.read(settings, services.list),
    async stop(timeoutMs = settings.shutdown.timeoutMs) {
      stopParts();
      await client.stop(timeoutMs);
      await services.close();
      await tracing?.stop();
    },
  };
}
