import { once } from 'node:events';
import type { AgentSettings } from './agent-settings.js';
import type { BerthError } from '@berth/errors';
import { createLogger, type Log } from '@berth/observability';
import { effectiveLimits } from './effective-limits.js';
import { ConfigTaker } from './pushed-config/config-taker.js';
import { LocalServices } from './local-services.js';
import { reportSelf } from './report/self-report.js';
import type { AgentAddress } from './session/agent-address.js';
import { AgentClient } from './session/agent-client.js';
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
  /** Leaves in order; what still runs after `shutdown.timeoutMs` is cut off. */
  stop(): Promise<void>;
  client: AgentClient;
}

export interface StartAgentOptions {
  log?: Log;
  /** what the agent calls its own version */
  version?: string;
}

/** Starts an agent in this process. */
export function startAgent(given: AgentSettings, options: StartAgentOptions = {}): RunningAgent {
  const log = options.log ?? createLogger('agent', given.log, 2);
  const settings = effectiveLimits(given, log);
  const { configPush } = settings;
  const takesConfig = configPush.file !== '' || configPush.command.length > 0;
  const configTaker = takesConfig ? new ConfigTaker(configPush, log) : undefined;
  const services = new LocalServices(settings, log, (name, health) => {
    client.signals.setHealth(name, health);
  });
  const client: AgentClient = new AgentClient(settings, {
    version: options.version ?? VERSION,
    forward: services.forward,
    takeConfig: configTaker && ((push) => configTaker.take(push)),
    failed: (exchange, code) => {
      services.failed(exchange, code);
    },
    log,
  });
  const stopReporting = reportSelf(settings.metrics, client, services.list, log);
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
    stopReporting();
  };
  // Nothing of it keeps a process that has nothing else to do.
  void gaveUp.then(stopParts);
  services.start();
  client.start();
  return {
    ready,
    gaveUp,
    client,
    async stop() {
      stopParts();
      await client.stop(settings.shutdown.timeoutMs);
      await services.close();
    },
  };
}
