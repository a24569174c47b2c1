import { eventually, localService } from '@berth/testing';
import { replicasOf, testAgent, testGateway } from '@berth/testing/system';

describe('the probe through the tunnel', () => {
  it('shows in /agents/:id whether the local service answers, and costs its agent no request', async () => {
    let status = 200;
    const probes: string[] = [];
    await using service = await localService((request, response) => {
      if (request.url !== '/health') return void response.end('fine');
      probes.push(String(request.headers['user-agent']));
      response.writeHead(status).end('x'.repeat(100_000));
    });
    await using gateway = await testGateway({
      tunnel: { probe: { path: '/health', intervalMs: 1000, fall: 1, rise: 1 } },
    });
    await using agent = await testAgent(gateway, service.port);
    const replica = async () => (await replicasOf(gateway, 'agent-1'))[0];
    await eventually(() => probes.length === 1);
    expect(probes[0]).toMatch(/^berth-probe\//);
    expect((await replica())?.state).toBe('healthy');
    status = 503;
    await eventually(async () => (await replica())?.state === 'unhealthy');
    expect((await replica())?.state_reason).toContain('probe');
    // The only one there is serves on all the same.
    expect(await (await fetch(agent.url)).text()).toBe('fine');
    status = 200;
    await eventually(async () => (await replica())?.state === 'healthy');
    const { requests, in_flight } = (await (await fetch(`${gateway.admin}/agents/agent-1`)).json()) as {
      requests: number;
      in_flight: number;
    };
    expect([requests, in_flight]).toEqual([1, 0]);
  });
});
