import { eventually } from '@berth/testing';
import { RawAgent, testGateway, type TestGateway } from '@berth/testing/system';

interface Listed {
  agents: { agent_id: string; port: number; state: string }[];
  count: number;
  next_cursor?: string;
}

describe('lists of the admin API, by filters, in order, page by page', () => {
  let gateway: TestGateway;
  const agents: RawAgent[] = [];
  beforeAll(async () => {
    gateway = await testGateway({}, 8);
    const services = [{ name: 'ssh', kind: 'tcp', port: 0, healthPath: '' }];
    for (const [id, overrides] of [
      ['kiosk-3', { metadata: { site: 'north', floor: '2' } }],
      ['kiosk-1', { metadata: { site: 'south=a' } }],
      ['kiosk-2', {}],
      ['web-1', { metadata: { site: 'north' }, services }],
    ] as const) {
      agents.push(await RawAgent.registered(gateway.grpcPort, id, overrides));
    }
  });
  afterAll(async () => {
    for (const agent of agents) agent.close();
    await gateway.close();
  });

  async function get<T>(path: string): Promise<T> {
    const answer = await fetch(gateway.admin + path);
    expect([path, answer.status]).toEqual([path, 200]);
    return (await answer.json()) as T;
  }
  const idsIn = async (query: string): Promise<string[]> =>
    (await get<Listed>(`/agents?${query}`)).agents.map(({ agent_id }) => agent_id);

  it('are whole and by port unless a client asks for something', async () => {
    const { agents: listed, count, ...more } = await get<Listed>('/agents');
    expect([count, listed.length, more]).toEqual([4, 4, {}]);
    const ports = listed.map(({ port }) => port);
    expect(ports).toEqual(ports.toSorted((a, b) => a - b));
    expect(listed.map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy', 'healthy']);
  });

  it.each([
    ['sort=agent_id', ['kiosk-1', 'kiosk-2', 'kiosk-3', 'web-1']],
    ['sort=-agent_id', ['web-1', 'kiosk-3', 'kiosk-2', 'kiosk-1']],
    ['sort=connected_since', ['kiosk-3', 'kiosk-1', 'kiosk-2', 'web-1']],
    ['agent_id=kiosk-2', ['kiosk-2']],
    ['agent_id=kiosk-*&sort=agent_id', ['kiosk-1', 'kiosk-2', 'kiosk-3']],
    ['agent_id=nobody', []],
    ['metadata=site&sort=agent_id', ['kiosk-1', 'kiosk-3', 'web-1']],
    ['metadata=site=north&sort=agent_id', ['kiosk-3', 'web-1']],
    ['metadata=site=south=a', ['kiosk-1']],
    ['metadata=site=north&metadata=floor=2', ['kiosk-3']],
    ['metadata=constructor', []],
    ['service=ssh', ['web-1']],
    ['service=default&agent_id=*-1', ['kiosk-1']],
    ['state=healthy&state=degraded&agent_id=web-*', ['web-1']],
    ['state=unhealthy', []],
    ['state=offline', []],
    ['state=offline&state=healthy&agent_id=web-*', ['web-1']],
  ])('GET /agents?%s', async (query, expected) => {
    expect(await idsIn(query)).toEqual(expected);
  });

  it('pages have all agents once, though one leaves and one comes between them', async () => {
    using passing = await RawAgent.registered(gateway.grpcPort, 'kiosk-0');
    const first = await get<Listed>('/agents?limit=2&sort=agent_id');
    expect(first).toMatchObject({ agents: [{ agent_id: 'kiosk-0' }, { agent_id: 'kiosk-1' }], count: 5 });
    passing.close();
    await eventually(async () => (await get<Listed>('/agents')).count === 4);
    using _ = await RawAgent.registered(gateway.grpcPort, 'kiosk-11');
    const second = await get<Listed>(`/agents?limit=3&cursor=${first.next_cursor ?? ''}`);
    expect(second.agents.map(({ agent_id }) => agent_id)).toEqual(['kiosk-11', 'kiosk-2', 'kiosk-3']);
    const third = await get<Listed>(`/agents?limit=3&cursor=${second.next_cursor ?? ''}`);
    expect(third).toMatchObject({ agents: [{ agent_id: 'web-1' }], count: 5 });
    expect(third).not.toHaveProperty('next_cursor');
  });

  it.each([
    [
      '/agents?stat=offline',
      'stat is no parameter; there are limit, cursor, sort, agent_id, state, service, metadata, include',
    ],
    ['/agents?limit=1001', 'limit must be a whole number from 1 to 1000'],
    ['/agents?limit=1&limit=2', 'limit must be given once'],
    ['/agents?sort=__proto__', expect.stringMatching(/^sort must be one of agent_id, port/)],
    ['/agents?cursor=x', expect.stringMatching(/^cursor is none that/)],
    ['/agents?state=fine', expect.stringMatching(/^state must be one of healthy, .*offline$/)],
    ['/agents?agent_id=(a%2B)%2B', expect.stringMatching(/^agent_id: "\(a\+\)\+" is no agent id/)],
    ['/agents?service=a%20b', expect.stringMatching(/^service must be /)],
    ['/agents?metadata==x', expect.stringMatching(/^metadata must be a key/)],
    [`/agents?${'metadata=a&'.repeat(17)}`, 'metadata may be given 16 times'],
    ['/agents?include=all', 'include must be one of offline'],
    ['/agents?limit[a]=1', expect.stringMatching(/is no parameter/)],
    ['/agents/kiosk-1?include=x', 'include must be one of offline'],
    ['/servers?state=up', expect.stringMatching(/^state must be one of stopped/)],
    ['/servers?name=x', 'name is no parameter; there are limit, cursor, sort, state'],
    ['/ports?limit=0', 'limit must be a whole number from 1 to 1000'],
    ['/ports?sort=agent_id', 'sort must be one of port, or one of them with - before it'],
  ])('%s is refused in one line', async (path, message) => {
    const answer = await fetch(gateway.admin + path);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: { code: 'BERTH_BAD_REQUEST', message, request_id: expect.any(String) } },
    ]);
  });

  it('servers come page by page, and those that are shown alone are asked', async () => {
    interface Servers {
      servers: { name: string; bind: string; requests: number }[];
      count: number;
      next_cursor?: string;
    }
    const all = await get<Servers>('/servers');
    expect(all.count).toBe(5);
    expect(all.servers.map(({ name }) => name)).toContain('admin');
    const binds = new Set<string>();
    let path = '/servers?limit=2';
    for (let pages = 1; ; pages += 1) {
      const page = await get<Servers>(path);
      for (const { bind } of page.servers) binds.add(bind);
      if (page.next_cursor === undefined) {
        expect(pages).toBe(3);
        break;
      }
      path = `/servers?limit=2&cursor=${page.next_cursor}`;
    }
    expect([...binds].sort()).toEqual(all.servers.map(({ bind }) => bind).sort());
    expect(await get('/servers?state=failed')).toEqual({ servers: [], count: 0 });
  });

  it('ports come page by page through all lists, with the figures of all', async () => {
    interface Ports {
      used: number;
      leases: { port: number; agent_id: string }[];
      remembered: { port: number; agent_id: string }[];
      next_cursor?: string;
    }
    const all = await get<Ports>('/ports');
    const first = await get<Ports>('/ports?limit=3');
    expect(first.used).toBe(all.used);
    expect(first.leases.length + first.remembered.length).toBe(3);
    const second = await get<Ports>(`/ports?limit=100&cursor=${first.next_cursor ?? ''}`);
    expect(second).not.toHaveProperty('next_cursor');
    expect([...first.leases, ...second.leases]).toEqual(all.leases);
    expect([...first.remembered, ...second.remembered]).toEqual(all.remembered);
    const ofKiosks = await get<Ports>('/ports?agent_id=kiosk-*');
    expect(ofKiosks.leases.map(({ agent_id }) => agent_id).sort()).toEqual(['kiosk-1', 'kiosk-2', 'kiosk-3']);
  });
});
