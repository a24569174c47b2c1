import type { RequestListener } from 'node:http';
import type { AgentSettings } from 'berth-agent';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { type Cleanup, eventually, localService, type RawRecorder, rawRecorder, type Recorded } from '../index.js';
import { type TestAgent, testAgent, type TestGateway, testGateway } from './harness.js';

export interface Relay {
  gateway: TestGateway;
  agent: TestAgent;
  /** the agent's port at the gateway */
  port: number;
}

export interface RelayOptions {
  gateway?: DeepPartial<GatewaySettings>;
  agent?: Omit<DeepPartial<AgentSettings>, 'target' | 'id'>;
}

/** A gateway and an agent in front of a local service. */
export async function relayTo(
  cleanup: Cleanup,
  target: number | string,
  { gateway: gatewaySettings, agent: agentSettings }: RelayOptions = {},
): Promise<Relay> {
  const gateway = cleanup.add(await testGateway(gatewaySettings), (it) => it.close());
  const agent = cleanup.add(await testAgent(gateway, target, { shutdown: { timeoutMs: 50 }, ...agentSettings }), (it) =>
    it.stop(),
  );
  return { gateway, agent, port: agent.port };
}

/** The same, with a local service that `listener` makes. */
export async function relayToListener(
  cleanup: Cleanup,
  listener: RequestListener,
  options?: RelayOptions,
): Promise<Relay> {
  const service = cleanup.add(await localService(listener), (it) => it.close());
  return relayTo(cleanup, service.port, options);
}

/** The same, with a raw TCP service that records what it gets. */
export async function relayToRecorder(
  cleanup: Cleanup,
  onData: (connection: Recorded) => void,
  options?: RelayOptions,
): Promise<Relay & { recorder: RawRecorder }> {
  const recorder = cleanup.add(await rawRecorder(onData), (it) => it.close());
  return { ...(await relayTo(cleanup, recorder.port, options)), recorder };
}

/** Answers each complete head of a connection with the same bytes. */
export function answering(response: string): (connection: Recorded) => void {
  return (connection) => {
    if (connection.text().endsWith('\r\n\r\n')) connection.socket.write(response, 'latin1');
  };
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** All bytes that reached the service, connection after connection. */
export function recorded(recorder: RawRecorder): string {
  return recorder.connections.map((connection) => connection.text()).join('');
}

interface AgentDetail {
  in_flight: number;
  connection_list: { connection_id: string }[];
}

/** What the admin API says of an agent. */
export async function agentDetail(gateway: TestGateway, id = 'agent-1'): Promise<AgentDetail> {
  return (await (await fetch(`${gateway.admin}/agents/${id}`)).json()) as AgentDetail;
}

/** Waits until nothing is under way for an agent. */
export async function idle(gateway: TestGateway, timeoutMs?: number): Promise<AgentDetail> {
  return eventually(async () => {
    const detail = await agentDetail(gateway);
    return detail.in_flight === 0 ? detail : undefined;
  }, timeoutMs);
}
