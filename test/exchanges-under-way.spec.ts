import type { ServerResponse } from 'node:http';
import { eventually, RawClient } from '@berth/testing';
import { agentDetail, idle, type Relay, relayToListener } from '@berth/testing/system';

interface Listed {
  exchanges: Record<string, unknown>[];
  count: number;
}

describe('GET /agents/:id/exchanges', () => {
  let stack: AsyncDisposableStack;
  beforeEach(() => {
    stack = new AsyncDisposableStack();
  });
  afterEach(() => stack.disposeAsync());

  /** Requests for `/wait` get no answer until the test gives one; `/begin` gets a head; upgrades become pipes; bodies are not read. */
  async function setUp(): Promise<{ relay: Relay; held: ServerResponse[] }> {
    const held: ServerResponse[] = [];
    const relay = await relayToListener((request, response) => {
      if (request.headers.upgrade !== undefined) {
        request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n');
        return;
      }
      if (request.url?.startsWith('/begin') === true) response.write('begin');
      held.push(response);
    });
    return { relay: stack.use(relay), held };
  }

  async function list({ gateway }: Relay, query = ''): Promise<Listed> {
    return (await (await fetch(`${gateway.admin}/agents/agent-1/exchanges${query}`)).json()) as Listed;
  }

  async function send({ port }: Relay, head: string): Promise<RawClient> {
    const client = stack.use(await RawClient.connect(port));
    client.send(`${head}\r\nHost: a\r\n\r\n`);
    return client;
  }

  it('shows what is under way with its state, the oldest first, and without its query', async () => {
    const { relay, held } = await setUp();
    expect(await list(relay)).toEqual({ exchanges: [], count: 0 });
    await send(relay, 'GET /wait?token=secret HTTP/1.1');
    await eventually(async () => (await list(relay)).count === 1);
    await send(relay, 'DELETE /begin HTTP/1.1');
    await eventually(async () => (await list(relay)).exchanges.at(-1)?.['state'] === 'answering');
    await send(relay, 'GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: chat');
    await eventually(async () => (await list(relay)).exchanges.at(-1)?.['state'] === 'pipe');

    const { connection_list } = await agentDetail(relay.gateway);
    const { connection_id } = connection_list[0] as (typeof connection_list)[number];
    const under = { connection_id, age_ms: expect.any(Number), pending_bytes: 0 };
    const { exchanges, count } = await list(relay);
    expect(count).toBe(3);
    expect(exchanges).toEqual([
      { ...under, request_id: `${connection_id}-1`, kind: 'http', method: 'GET', path: '/wait', state: 'waiting' },
      {
        ...under,
        request_id: `${connection_id}-2`,
        kind: 'http',
        method: 'DELETE',
        path: '/begin',
        state: 'answering',
      },
      { ...under, request_id: `${connection_id}-3`, kind: 'upgrade', method: 'GET', path: '/chat', state: 'pipe' },
    ]);
    const ages = exchanges.map(({ age_ms }) => Number(age_ms));
    expect([...ages].sort((a, b) => b - a)).toEqual(ages);

    for (const response of held) response.end();
    await eventually(async () => (await list(relay)).count === 1);
  });

  it('shows bytes that the agent has no credit for', async () => {
    const { relay } = await setUp();
    const client = await send(relay, 'POST /wait HTTP/1.1\r\nContent-Length: 100000000');
    const body = Buffer.alloc(1_000_000);
    const timer = setInterval(() => client.socket.write(body), 1);
    await eventually(async () => Number((await list(relay)).exchanges[0]?.['pending_bytes']) > 0);
    clearInterval(timer);
    client.socket.destroy();
    await idle(relay.gateway);
    expect(await list(relay)).toEqual({ exchanges: [], count: 0 });
  });

  it('shows as many as it is asked for, and the begin of a long path', async () => {
    const { relay } = await setUp();
    await send(relay, `GET /${'x'.repeat(1000)} HTTP/1.1`);
    await eventually(async () => (await list(relay)).count === 1);
    await send(relay, 'GET /wait HTTP/1.1');
    await eventually(async () => (await list(relay)).count === 2);
    const { exchanges, count } = await list(relay, '?limit=1');
    expect([exchanges.length, count]).toEqual([1, 2]);
    expect(exchanges[0]?.['path']).toBe(`/${'x'.repeat(255)}`);
  });

  it.each([
    ...['0', '1001', '-1', '1.5', 'all', ''].map((limit) => [limit, 'limit must be a whole number from 1 to 1000']),
    ['1&limit=2', 'limit must be given once'],
  ])('answers 400 to limit=%s', async (limit, message) => {
    const { relay } = await setUp();
    const answer: unknown = await list(relay, `?limit=${limit}`);
    expect(answer).toMatchObject({ error: { code: 'BERTH_BAD_REQUEST', message } });
  });

  it('answers 404 for an agent that is not there', async () => {
    const { relay } = await setUp();
    const answer = await fetch(`${relay.gateway.admin}/agents/nobody/exchanges`);
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'BERTH_NOT_FOUND' } }]);
  });
});
