import type { RequestListener } from 'node:http';
import type { AgentSettings } from 'berth-agent';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import type { Logger } from 'pino';
import { eventually, localService, owning, type RawRecorder, rawRecorder, type Recorded } from '../index.js';
import { type TestAgent, testAgent, type TestGateway, testGateway } from './harness.js';

/** Ends agent first, then the gateway, then what stands behind the agent. */
export interface Relay extends AsyncDisposable {
  gateway: TestGateway;
  agent: TestAgent;
  /** the agent's port at the gateway */
  port: number;
}

export interface RelayOptions {
  gateway?: DeepPartial<GatewaySettings>;
  /** takes the gateway's log; default: nobody does */
  log?: Logger;
  agent?: Omit<DeepPartial<AgentSettings>, 'target' | 'id'>;
}

/** A gateway and an agent in front of a local service. */
export async function relayTo(
  target: number | string,
  { gateway: gatewaySettings, agent: agentSettings, log }: RelayOptions = {},
): Promise<Relay> {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await testGateway(gatewaySettings, undefined, log));
  const agent = stack.use(await testAgent(gateway, target, { shutdown: { timeoutMs: 50 }, ...agentSettings }));
  return owning({ gateway, agent, port: agent.port }, stack);
}

/** The same, with a local service that `listener` makes. */
export async function relayToListener(listener: RequestListener, options?: RelayOptions): Promise<Relay> {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(await localService(listener));
  return owning(stack.use(await relayTo(service.port, options)), stack);
}

/** The same, with a raw TCP service that records what it gets. */
export async function relayToRecorder(
  onData: (connection: Recorded) => void,
  options?: RelayOptions,
): Promise<Relay & { recorder: RawRecorder }> {
  await using stack = new AsyncDisposableStack();
  const recorder = stack.use(await rawRecorder(onData));
  return owning(Object.assign(stack.use(await relayTo(recorder.port, options)), { recorder }), stack);
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
  bytes_out: number;
  replica_list: { replica_id: string }[];
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
