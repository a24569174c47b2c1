import { AgentRegistry } from 'berth-gateway';
import { owning } from '../index.js';
import { type TestGateway, testGateway } from './harness.js';
import { SiloAgent } from './silo-agent.js';
import type { SiloMessage } from './silo-wire.js';

/** A gateway that takes agents of the original kind. */
export async function siloGateway(silo: object = {}, tunnel: object = {}): Promise<TestGateway> {
  return await testGateway({ tunnel: { ...tunnel, silo: { enabled: true, ...silo } } });
}

/** An agent of the original kind in service, and its port. */
export async function siloRegistered(
  gateway: TestGateway,
  id = 'agent-1',
): Promise<{ agent: SiloAgent; port: number } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const agent = stack.adopt(await SiloAgent.registered(gateway.grpcPort, id), (it) => it.close());
  return owning({ agent, port: gateway.app.get(AgentRegistry).get(id)?.port ?? 0 }, stack);
}

/** Answers with what came. */
export function siloEcho(agent: SiloAgent): (request: SiloMessage) => void {
  return (request) => {
    agent.answer(request, { body: request.payload, headers: { 'X-Query': request.metadata['query'] ?? '' } });
  };
}
