import { BerthError } from '@berth/errors';
import { DEFAULT_SERVICE } from '@berth/exchange';
import { connectionCapacity, nodeFault } from '@berth/node-runtime';
import { silentLog } from '@berth/observability';
import type { AgentSettings } from '../agent-settings.js';
import { launchAgent, type RunningAgent } from '../launch-agent.js';
import type { AgentAddress } from '../session/agent-address.js';
import { targetsOf } from '../service-offers.js';
import { Agent } from './agent.js';
import { type AgentOptions, type CheckedOptions, checkOptions, optionOf } from './agent-options.js';
import { serverOf } from './handler.js';
import { privateSocket } from './private-socket.js';

/**
 * Starts an agent in this process, and resolves when a gateway has taken it: from then on clients reach what the
 * options name. Nothing else of the process changes: no signal is listened to, and nothing printed.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID` for options that are wrong, with a line for each; `BERTH_START_TIMEOUT` when
 * no gateway took it within `timeoutMs`; the gateway's own code, such as `BERTH_UNAUTHENTICATED`, when it refuses the
 * agent for good. What `signal` was aborted with is thrown as it is
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const [old] = nodeFault()?.split('\n') ?? [];
  if (old !== undefined) throw new BerthError('BERTH_CONFIG_INVALID', old);
  return start(options);
}

async function start(options: AgentOptions): Promise<Agent> {
  const checked = checkOptions(options);
  const { signal, log = silentLog } = checked;
  signal?.throwIfAborted();
  await using resources = new AsyncDisposableStack();
  const settings = await withHandlers(checked, resources);
  signal?.throwIfAborted();
  const running = launchAgent(settings, { log });
  let address: AgentAddress;
  try {
    address = await registration(running, checked);
  } catch (thrown) {
    await running.stop(0);
    throw thrown;
  }
  const agent = new Agent(settings.id, running, address, resources.move());
  if (signal !== undefined) closeOn(signal, agent);
  return agent;
}

/** The settings with a way to each handler in place of its target. */
async function withHandlers(
  { settings, handlers }: CheckedOptions,
  resources: AsyncDisposableStack,
): Promise<AgentSettings> {
  if (handlers.size === 0) return settings;
  const places = new Map<string, string>();
  for (const [name, handler] of handlers) {
    const server = await serverOf(handler, optionOf(name));
    places.set(name, resources.use(await privateSocket(server, optionOf(name))).target);
  }
  const { local } = settings;
  return {
    ...settings,
    target: places.get(DEFAULT_SERVICE) ?? settings.target,
    expose: { ...settings.expose, ...Object.fromEntries([...places].filter(([name]) => name !== DEFAULT_SERVICE)) },
    local: {
      ...local,
      // Both ends of a connection are in this process.
      maxConnections: local.maxConnections || Math.max(1, Math.floor(connectionCapacity() / 2)),
      // Whether it takes connections need not be tried.
      checkIntervalMs: handlers.size === targetsOf(settings).length ? 0 : local.checkIntervalMs,
    },
  };
}

/** The first registration, unless there is a reason not to wait for it any longer. */
async function registration(
  running: RunningAgent,
  { settings, signal, timeoutMs }: Pick<CheckedOptions, 'settings' | 'signal' | 'timeoutMs'>,
): Promise<AgentAddress> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  let last = `${settings.gateway} has not answered`;
  running.client.on('lost', ({ reason }) => {
    last = reason.message;
  });
  const late = (): void => {
    reject(new BerthError('BERTH_START_TIMEOUT', `not registered within ${timeoutMs} ms (timeoutMs): ${last}`));
  };
  const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
  const aborted = (): void => {
    reject(signal?.reason as Error);
  };
  signal?.addEventListener('abort', aborted, { once: true });
  try {
    return await Promise.race([running.ready, stopped]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  }
}

function closeOn(signal: AbortSignal, agent: Agent): void {
  const close = (): void => void agent.close();
  signal.addEventListener('abort', close, { once: true });
  agent.once('closed', () => {
    signal.removeEventListener('abort', close);
  });
}
