import { localService } from '@berth/testing';
import { testAgent, testGateway } from '@berth/testing/system';

describe('A18: the main job, end to end', () => {
  it('relays a request to the service beside the agent and its answer back', async () => {
    await using service = await localService((request, response) =>
      response.end(`${request.method ?? ''} ${request.url ?? ''}`),
    );
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    const answer = await fetch(`${agent.url}/hello?x=1`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('GET /hello?x=1');
    const listed = (await (await fetch(`${gateway.admin}/agents`)).json()) as {
      count: number;
      agents: { port: number }[];
    };
    expect(listed.count).toBe(1);
    expect(listed.agents[0]?.port).toBe(agent.port);
  });
});
