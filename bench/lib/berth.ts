import { existsSync } from 'node:fs';
import { freePortRange } from '@berth/testing';
import { getJson } from './http.js';
import type { Processes, Running } from './processes.js';
import { compiled } from './repository.js';

export const GATEWAY = compiled('apps/gateway/dist/main.js');
export const AGENT = compiled('apps/agent/dist/main.js');

const READY_MS = 30_000;
export const AGENT_ID = 'bench';

export interface GatewayPorts {
  readonly http: number;
  readonly grpc: number;
  readonly first: number;
  readonly last: number;
}

interface AgentList {
  readonly agents: readonly {
    readonly agent_id: string;
    readonly port: number;
    readonly connections: number;
    readonly in_flight: number;
  }[];
  readonly count: number;
}

/** Free ports for one gateway. Kept by the caller, since a restarted gateway comes back on the same. */
export async function gatewayPorts(agentPorts = 4): Promise<GatewayPorts> {
  const { start: http } = await freePortRange(agentPorts + 2);
  return { http, grpc: http + 1, first: http + 2, last: http + 1 + agentPorts };
}

/**
 * Starts the gateway as people do, with its ports said, and waits until it is ready.
 *
 * @param settings others than the defaults, by the names of their flags without the dashes
 */
export async function startGateway(
  processes: Processes,
  cwd: string,
  ports: GatewayPorts,
  nodeFlags: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const flags = Object.entries({
    ...settings,
    'http-port': ports.http,
    'grpc-port': ports.grpc,
    'http-agent-port-range-start': ports.first,
    'http-agent-port-range-end': ports.last,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const gateway = startProgram(processes, 'gateway', GATEWAY, cwd, flags, nodeFlags);
  const ready = `http://127.0.0.1:${ports.http}/health/ready`;
  await gateway.until('readiness', READY_MS, async () => await getJson(ready));
  return gateway;
}

/** How the agent speaks to the service. */
export type Scheme = 'http' | 'h2c' | 'tcp';

export interface AgentOptions {
  readonly cwd: string;
  readonly httpPort: number;
  /** where the agent dials: the gateway's gRPC port, or a relay in front of it */
  readonly dial: number;
  readonly target: number;
  /** default: `http` */
  readonly scheme?: Scheme;
  /** further flags, as they are */
  readonly flags?: readonly string[];
  /** default: `bench` */
  readonly id?: string;
  readonly nodeFlags?: readonly string[];
}

/** Starts one agent and waits until the gateway lists it. */
export async function startAgent(
  processes: Processes,
  options: AgentOptions,
): Promise<{ agent: Running; port: number }> {
  const { cwd, httpPort, dial, target, scheme = 'http', id = AGENT_ID, flags = [], nodeFlags = [] } = options;
  const args = [`${scheme}://127.0.0.1:${target}`, '--id', id, '--gateway', `127.0.0.1:${dial}`, ...flags];
  const agent = startProgram(processes, 'agent', AGENT, cwd, args, nodeFlags);
  const port = await agent.until('its port', READY_MS, async () => {
    const list = await listAgents(httpPort);
    return list?.agents.find(({ agent_id: listed }) => listed === id)?.port;
  });
  return { agent, port };
}

export async function listAgents(httpPort: number): Promise<AgentList | undefined> {
  return (await getJson(`http://127.0.0.1:${httpPort}/agents`)) as AgentList | undefined;
}

function startProgram(
  processes: Processes,
  name: string,
  script: string,
  cwd: string,
  args: readonly string[],
  nodeFlags: readonly string[],
): Running {
  if (!existsSync(script)) throw new Error(`${script} is not there: npm run build`);
  return processes.start(name, process.execPath, [...nodeFlags, script, ...args], { cwd });
}

export interface Berth {
  readonly gateway: Running;
  readonly agent: Running;
  readonly ports: GatewayPorts;
  /** the agent's port at the gateway */
  readonly port: number;
}

/** A gateway with one agent in front of `target`. */
export async function startBerth(
  processes: Processes,
  cwd: string,
  target: number,
  nodeFlags: readonly string[] = [],
  scheme: Scheme = 'http',
): Promise<Berth> {
  const ports = await gatewayPorts();
  const gateway = await startGateway(processes, cwd, ports, nodeFlags);
  const options = { cwd, httpPort: ports.http, dial: ports.grpc, target, nodeFlags, scheme };
  return { gateway, ports, ...(await startAgent(processes, options)) };
}
