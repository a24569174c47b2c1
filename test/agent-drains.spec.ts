import { connect, createServer } from 'node:net';
import { defaultAgentSettings, launchAgent } from 'berth-agent';
import { silentLog } from '@berth/observability';
import { eventually, listening, localService } from '@berth/testing';
import { agentIds, listAgents, testAgent, testGateway } from '@berth/testing/system';

describe('an agent is stopped', () => {
  it('answers what is under way, takes nothing new, and is gone then', async () => {
    let finish: (() => void) | undefined;
    await using service = await localService((_, response) => {
      response.write('begun ');
      finish = () => response.end('and done');
    });
    await using gateway = await testGateway();
    const agent = await testAgent(gateway, service.port, { shutdown: { timeoutMs: 10_000 } });
    const response = await fetch(agent.url);
    let stopped = false;
    const stop = agent.stop().then(() => (stopped = true));
    await eventually(async () => (await fetch(agent.url)).status === 503);
    expect(stopped).toBe(false);
    finish?.();
    expect(await response.text()).toBe('begun and done');
    await stop;
    await eventually(async () => (await agentIds(gateway)).length === 0);
  });

  it('loses no request that was under way to it when it was stopped', async () => {
    await using service = await localService((request, response) => request.pipe(response));
    await using gateway = await testGateway({ agentPorts: { holdMs: 60_000 } });
    const codes = new Set<number>();
    for (let round = 0; round < 10; round += 1) {
      const agent = await testAgent(gateway, service.port, { connections: 2 });
      let goOn = true;
      const loop = async (): Promise<void> => {
        while (goOn) codes.add((await fetch(agent.url, { method: 'POST', body: 'x' })).status);
      };
      const loops = Array.from({ length: 8 }, loop);
      await eventually(() => codes.has(200));
      await agent.stop();
      goOn = false;
      await Promise.all(loops);
    }
    // 503 says that nothing was begun; 502 would be a request that was lost on its way.
    expect([...codes].sort()).toEqual(expect.arrayContaining([200]));
    expect(codes).not.toContain(502);
  });

  it('answers what comes behind a Welcome that was under way when it was stopped', async () => {
    await using service = await localService((_, response) => response.end('served'));
    await using gateway = await testGateway();
    // Lets the gateway's SETTINGS through, which the agent waits for, and holds what follows until `release`.
    let release = (): void => undefined;
    await using way = await listening(
      createServer((client) => {
        const far = connect(gateway.grpcPort, '127.0.0.1');
        client.on('error', () => undefined).on('close', () => far.destroy());
        far.on('error', () => undefined).on('close', () => client.destroy());
        client.pipe(far);
        far.once('data', (settings: Buffer) => {
          client.write(settings);
          far.pause();
        });
        release = () => far.pipe(client);
      }),
    );
    const agent = launchAgent(
      defaultAgentSettings({
        id: 'agent-1',
        target: `http://127.0.0.1:${service.port}`,
        gateway: `127.0.0.1:${way.port}`,
        shutdown: { timeoutMs: 10_000 },
      }),
      { log: silentLog },
    );
    const { port } = await eventually(async () => (await listAgents(gateway))[0]);
    const response = fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: 'x' });
    await eventually(async () => (await listAgents(gateway))[0]?.in_flight === 1);
    const stop = agent.stop();
    release();
    expect(await (await response).text()).toBe('served');
    await stop;
    await eventually(async () => (await agentIds(gateway)).length === 0);
  });

  it('cuts off what has not ended within its time', async () => {
    await using service = await localService((_, response) => response.write('begun'));
    await using gateway = await testGateway();
    const agent = await testAgent(gateway, service.port, { shutdown: { timeoutMs: 50 } });
    const response = await fetch(agent.url);
    await agent.stop();
    await expect(response.text()).rejects.toThrow();
  });

  it('ends at once when no gateway answers', async () => {
    const gateway = await testGateway();
    const agent = await testAgent(gateway, 1, { shutdown: { timeoutMs: 60_000 } });
    await gateway.close();
    await agent.stop();
    // Twice is as good as once.
    await agent.stop();
  });
});
