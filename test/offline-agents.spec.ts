import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { eventually, freePortRange } from '@berth/testing';
import { agentIds, RawAgent, testGateway, type TestGateway } from '@berth/testing/system';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('agents that are away', () => {
  let folder: string;
  let range: { start: number; end: number };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'berth-offline-'));
    range = await freePortRange(4);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const start = (more: DeepPartial<GatewaySettings> = {}): Promise<TestGateway> =>
    testGateway({ ...more, http: { agentPortRange: range }, state: { file: join(folder, 'state.db') } });
  const get = async ({ admin }: TestGateway, path: string): Promise<unknown> => (await fetch(admin + path)).json();

  /** An agent that was there; its port. */
  async function passing(gateway: TestGateway, id: string): Promise<number> {
    using agent = await RawAgent.registered(gateway.grpcPort, id, { metadata: { site: 'north' } });
    const { port } = await agent.welcome;
    agent.close();
    await eventually(async () => !(await agentIds(gateway)).includes(id));
    await eventually(async () => JSON.stringify(await get(gateway, '/agents?state=offline')).includes(`"${id}"`));
    return port;
  }

  it('are shown to who asks, with their port, last seen and the reason; and to nobody else', async () => {
    await using gateway = await start();
    const port = await passing(gateway, 'kiosk-7');
    using _ = await RawAgent.registered(gateway.grpcPort, 'here');
    const shown = {
      agent_id: 'kiosk-7',
      port,
      state: 'offline',
      state_reason: 'its connection broke',
      state_since: expect.stringMatching(ISO),
      last_seen: expect.stringMatching(ISO),
      connected_since: expect.stringMatching(ISO),
      services: [{ name: 'default', kind: 'http', scheme: 'http', port, state: 'offline' }],
      ...{ connections: 0, version: 'test', remote_address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
    };
    expect(await get(gateway, '/agents')).toMatchObject({ agents: [{ agent_id: 'here' }], count: 1 });
    expect(await get(gateway, '/agents?state=offline')).toMatchObject({ agents: [shown], count: 1 });
    const both = (await get(gateway, '/agents?include=offline&sort=agent_id')) as { agents: { agent_id: string }[] };
    expect(both.agents.map(({ agent_id }) => agent_id)).toEqual(['here', 'kiosk-7']);
    expect(await get(gateway, '/agents?state=offline&metadata=site=south')).toMatchObject({ count: 0 });
    expect((await fetch(`${gateway.admin}/agents/kiosk-7`)).status).toBe(404);
    expect(await get(gateway, '/agents/kiosk-7?include=offline')).toMatchObject({
      ...shown,
      metadata: { site: 'north' },
      healthy: false,
      connection_list: [],
    });
    expect(await get(gateway, '/agents/here?include=offline')).toMatchObject({ state: 'healthy' });
  });

  it('say so when an operator sent them away, and are no longer away when they come back', async () => {
    await using gateway = await start();
    using agent = await RawAgent.registered(gateway.grpcPort, 'kiosk-7');
    await fetch(`${gateway.admin}/agents/kiosk-7?now=true`, { method: 'DELETE' });
    await agent.status;
    const offline = (): Promise<unknown> => get(gateway, '/agents?state=offline');
    await eventually(async () => JSON.stringify(await offline()).includes('an operator disconnected it'));
    using _ = await RawAgent.registered(gateway.grpcPort, 'kiosk-7');
    expect(await offline()).toEqual({ agents: [], count: 0 });
  });

  it('outlive the gateway, with those that were there when it ended; DELETE forgets them', async () => {
    const agents: RawAgent[] = [];
    const ports: number[] = [];
    {
      await using gateway = await start();
      ports.push(await passing(gateway, 'left'));
      agents.push(await RawAgent.registered(gateway.grpcPort, 'there'));
    }
    await using gateway = await start();
    expect(await get(gateway, '/agents?state=offline&sort=agent_id')).toMatchObject({
      agents: [
        { agent_id: 'left', port: ports[0], state_reason: 'its connection broke' },
        {
          agent_id: 'there',
          state_reason: 'the gateway ended, and it has not come back since',
          services: [{ kind: 'http', scheme: 'http' }],
        },
      ],
      count: 2,
    });
    const forget = (): Promise<Response> => fetch(`${gateway.admin}/agents/left`, { method: 'DELETE' });
    expect([(await forget()).status, (await forget()).status]).toEqual([204, 404]);
    expect(await get(gateway, '/agents?state=offline')).toMatchObject({ agents: [{ agent_id: 'there' }], count: 1 });
    for (const agent of agents) agent.close();
  });

  it('are as many as tunnel.rememberedAgents says', async () => {
    await using gateway = await start({ tunnel: { rememberedAgents: 1 } });
    for (const id of ['a', 'b']) await passing(gateway, id);
    expect(await get(gateway, '/agents?state=offline')).toMatchObject({ agents: [{ agent_id: 'b' }], count: 1 });
  });
});
