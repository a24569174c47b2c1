import { RawAgent, testGateway, type TestGateway } from '@berth/testing/system';
import { AdminError, adminClient, agents, drain } from './client.js';

describe('example: a client made of the OpenAPI document', () => {
  let gateway: TestGateway;
  const registered: RawAgent[] = [];
  beforeAll(async () => {
    gateway = await testGateway({ admin: { token: 'sesame' } });
    for (const id of ['kiosk-2', 'web-1', 'kiosk-1']) registered.push(await RawAgent.registered(gateway.grpcPort, id));
  });
  afterAll(async () => {
    for (const agent of registered) agent.close();
    await gateway.close();
  });

  it('goes through the agents page by page', async () => {
    const client = adminClient(gateway.admin, 'sesame');
    const ids: string[] = [];
    for await (const agent of agents(client, { agent_id: 'kiosk-*', state: ['healthy', 'degraded'], limit: 1 })) {
      ids.push(agent.agent_id);
      expect(agent.port).toBeGreaterThan(0);
    }
    expect(ids).toEqual(['kiosk-1', 'kiosk-2']);
  });

  it('acts on one, and reads what it did', async () => {
    const client = adminClient(gateway.admin, 'sesame');
    expect(await drain(client, 'web-1')).toBe(0);
    const { data } = await client.GET('/agents/{agent_id}', { params: { path: { agent_id: 'web-1' } } });
    expect([data?.state, data?.replica_list[0]?.drained]).toEqual(['draining', true]);
    const { data: text } = await client.GET('/metrics', { parseAs: 'text' });
    expect(text).toContain('berth_agents');
  });

  it('is told what went wrong, by code', async () => {
    const client = adminClient(gateway.admin, 'sesame');
    await expect(drain(client, 'nobody')).rejects.toThrow(new RegExp('^BERTH_NOT_FOUND: Agent nobody not found$'));
    await expect(drain(adminClient(gateway.admin), 'web-1')).rejects.toMatchObject({
      code: 'BERTH_UNAUTHENTICATED',
      requestId: expect.stringMatching(/^req-/),
    });
    const wrong = { sort: 'name' } as unknown as { sort: 'agent_id' };
    await expect(agents(client, wrong).next()).rejects.toBeInstanceOf(AdminError);
    const { error } = await client.GET('/agents/{agent_id}', {
      params: { path: { agent_id: 'nobody' } },
      headers: { accept: 'application/problem+json' },
    });
    expect(error).toMatchObject({ status: 404, code: 'BERTH_NOT_FOUND' });
  });
});
