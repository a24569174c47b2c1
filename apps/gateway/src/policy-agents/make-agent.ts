import { randomBytes } from 'node:crypto';
import { MAX_MS, readPemFiles } from '@berth/config';
import {
  type AgentLink,
  dialGrpc,
  dialUnix,
  MAX_STRETCH,
  PolicyAgent,
  type PolicyAgentOptions,
  type ProxyHello,
} from '@berth/policy-agents';
import { VERSION } from '../version.js';
import { addressOf } from './agent-checks.js';
import type { AgentSettings } from './agent-schema.js';
import type { AgentMaker } from './configured-agent.js';

/** What the gateway calls itself towards policy agents; another one with each start. */
export const PROXY_ID = `berth-${randomBytes(4).toString('hex')}`;

/** Makes the agent that settings describe, and begins to reach it. */
export const makeAgent: AgentMaker = (name, settings, observer) => {
  const agent = new PolicyAgent(name, optionsOf(settings), { dial: dialOf(settings) }, observer);
  // That it cannot be reached yet is told to the observer; it is tried again and again.
  const ready = agent.start().catch(() => undefined);
  return { agent, ready };
};

function optionsOf(settings: AgentSettings): Partial<PolicyAgentOptions> {
  const { flow, limits, whenUnavailable } = settings;
  const { breaker, connections, connectTimeoutMs, drainMs, maxInFlightPerConnection, maxWaiting } = settings;
  const { pingIntervalMs, push, strategy, timeoutMs } = settings;
  return {
    ...{ breaker, connections, connectTimeoutMs, drainMs, maxInFlightPerConnection, maxWaiting },
    ...{ pingIntervalMs, push, strategy, timeoutMs },
    failMode: whenUnavailable,
    flowMode: flow.mode,
    flowWaitMs: flow.waitMs,
    maxLogsPerSecond: limits.maxLogsPerSecond,
    configJson: configOf(settings),
    // Kept by name, with what the exchanges were about.
    rememberedDecisions: 0,
  };
}

function configOf({ config }: AgentSettings): string | undefined {
  return Object.keys(config).length === 0 ? undefined : JSON.stringify(config);
}

/** undefined: the agent dials. */
function dialOf(settings: AgentSettings): ((signal: AbortSignal) => Promise<AgentLink>) | undefined {
  const { address, connectTimeoutMs: timeoutMs, unary } = settings;
  const hello: ProxyHello = { proxyId: PROXY_ID, proxyVersion: VERSION, configJson: configOf(settings) };
  const place = addressOf(address);
  switch (place?.kind) {
    case 'unix':
      return (signal) => dialUnix({ path: place.path, hello, timeoutMs, signal });
    case 'grpc': {
      const { secure, target } = place;
      const calls = {
        unary: unary ? true : undefined,
        unaryTimeoutMs: Math.min(settings.timeoutMs * MAX_STRETCH, MAX_MS),
      };
      // Files are read for each connection: certificates are renewed while the gateway runs.
      return async (signal) =>
        dialGrpc({ target, hello, timeoutMs, signal, ...calls, tls: secure ? tlsOf(settings) : undefined });
    }
    default:
      return undefined;
  }
}

const TLS_NAMES = { caFile: 'tls.caFile', certFile: 'tls.certFile', keyFile: 'tls.keyFile' };

/** @throws BerthError `BERTH_CONFIG_INVALID` naming the file that cannot be used */
function tlsOf({ tls }: AgentSettings) {
  const { ca, cert, key } = readPemFiles(tls, TLS_NAMES);
  return {
    ca: ca ?? undefined,
    cert: cert ?? undefined,
    key: key ?? undefined,
    serverName: tls.serverName === '' ? undefined : tls.serverName,
  };
}
