import { once } from 'node:events';
import { createServer } from 'node:http';
import { disposable, eventually, freePortRange, localService } from '@berth/testing';
import { replicasOf, send, testAgent, testGateway } from '@berth/testing/system';

async function serviceAt(port: number): Promise<AsyncDisposable> {
  const server = createServer((_, response) => response.end('fine')).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return disposable({}, async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
}

describe('what an agent says of itself counts at the gateway', () => {
  it('GET /agents/:id tells the truth about a local service that is not there, comes and goes (C6, C16)', async () => {
    const { start } = await freePortRange(1);
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, start, { local: { checkIntervalMs: 50 } });
    const state = async (): Promise<string | undefined> => (await replicasOf(gateway, 'agent-1'))[0]?.state;
    await eventually(async () => (await state()) === 'unhealthy');
    expect((await replicasOf(gateway, 'agent-1'))[0]?.state_reason).toContain(
      'the local service cannot be reached: it refuses connections',
    );
    const service = await serviceAt(start);
    await eventually(async () => (await state()) === 'healthy');
    expect(await (await fetch(agent.url)).text()).toBe('fine');
    await service[Symbol.asyncDispose]();
    await eventually(async () => (await state()) === 'unhealthy');
  });

  it('with --max-concurrency requests wait at the gateway for their turn, and all are answered (C7, C10)', async () => {
    let [running, most] = [0, 0];
    await using service = await localService((_, response) => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        response.end('fine');
      }, 20);
    });
    await using gateway = await testGateway({ tunnel: { admission: { maxWaitMs: 10_000 } } });
    await using agent = await testAgent(gateway, service.port, { connections: 3, maxConcurrency: 4 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => send(agent.port)));
    expect(answers.map(({ text }) => text)).toEqual(answers.map(() => 'fine'));
    expect(most).toBeLessThanOrEqual(4);
    expect(most).toBeGreaterThan(1);
  });
});
