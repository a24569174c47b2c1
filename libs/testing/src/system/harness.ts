import 'reflect-metadata';
import type { Logger } from 'pino';
import { defaultAgentSettings, type AgentSettings } from 'berth-agent';
import { defaultGatewaySettings, type GatewaySettings } from 'berth-gateway';
import { type DeepPartial } from '@berth/config';
import { type Log, silentLog } from '@berth/observability';
import { freePortRange } from '../index.js';
import { type RunningAgent, launchAgent } from 'berth-agent';
import { type RunningGateway, startGateway } from 'berth-gateway';

export interface TestGateway extends RunningGateway, AsyncDisposable {
  range: { start: number; end: number };
  /** base URL of the admin API */
  admin: string;
  settings: GatewaySettings;
}

/** A real gateway in this process: free ports, no log unless given, short grace. */
export async function testGateway(
  overrides: DeepPartial<GatewaySettings> = {},
  ports = 4,
  log?: Logger,
): Promise<TestGateway> {
  const range = await freePortRange(ports);
  const settings = defaultGatewaySettings({
    log: { level: 'silent' },
    ...overrides,
    http: { port: 0, agentPortRange: range, ...overrides.http },
    grpc: { host: '127.0.0.1', port: 0, ...overrides.grpc },
    agentPorts: { host: '127.0.0.1', ...overrides.agentPorts },
    shutdown: { timeoutMs: 2000, ...overrides.shutdown },
  });
  const gateway = await startGateway(settings, log);
  return {
    ...gateway,
    range: settings.http.agentPortRange,
    admin: `http://127.0.0.1:${gateway.adminPort}`,
    settings,
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

export interface TestAgent extends RunningAgent, AsyncDisposable {
  /** base URL of its port */
  url: string;
  port: number;
}

/** A real agent in this process, registered when this resolves. */
export async function testAgent(
  gateway: { grpcPort: number },
  target: string | number,
  overrides: Omit<DeepPartial<AgentSettings>, 'target' | 'id'> & { id?: string } = {},
  log: Log = silentLog,
): Promise<TestAgent> {
  const agent = launchAgent(
    defaultAgentSettings({
      target: typeof target === 'number' ? `http://127.0.0.1:${target}` : target,
      gateway: `127.0.0.1:${gateway.grpcPort}`,
      reconnect: { minMs: 20, maxMs: 200 },
      shutdown: { timeoutMs: 1000 },
      ...overrides,
      // Many a test counts the connections to its service.
      local: { checkIntervalMs: 0, ...overrides.local },
      id: overrides.id ?? 'agent-1',
    }),
    { log },
  );
  const { port } = await agent.ready;
  return { ...agent, port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => agent.stop() };
}
