import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import {
  defaultAgentSettings,
  defaultGatewaySettings,
  type AgentSettings,
  type DeepPartial,
  type GatewaySettings,
} from '#config';
import { type Log, silentLog } from '#observability';
import { freePortRange } from '#testing';
import { type RunningAgent, startAgent } from '../../apps/agent/src/index.js';
import { type RunningGateway, startGateway } from '../../apps/gateway/src/index.js';

export interface TestGateway extends RunningGateway {
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
  return { ...gateway, range: settings.http.agentPortRange, admin: `http://127.0.0.1:${gateway.adminPort}`, settings };
}

export interface TestAgent extends RunningAgent {
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
  const agent = startAgent(
    defaultAgentSettings({
      target: typeof target === 'number' ? `http://127.0.0.1:${target}` : target,
      gateway: `127.0.0.1:${gateway.grpcPort}`,
      reconnect: { minMs: 20, maxMs: 200 },
      shutdown: { timeoutMs: 1000 },
      ...overrides,
      id: overrides.id ?? 'agent-1',
    }),
    { log },
  );
  const { port } = await agent.ready;
  return { ...agent, port, url: `http://127.0.0.1:${port}` };
}

export interface LocalService {
  port: number;
  server: Server;
  close(): Promise<void>;
}

/** An HTTP service beside the agent. */
export async function localService(listener: RequestListener): Promise<LocalService> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Ends what a test started, last first; to be called in `afterEach`. */
export class Cleanup {
  private readonly steps: (() => unknown)[] = [];

  /** Registers the end of something and hands it back. */
  add<T>(thing: T, end: (thing: T) => unknown): T {
    this.steps.push(() => end(thing));
    return thing;
  }

  async run(): Promise<void> {
    for (const step of this.steps.splice(0).reverse()) await step();
  }
}
