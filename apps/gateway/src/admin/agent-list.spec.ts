import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { testGateway } from '@berth/testing/system';
import { Agent, AgentRegistry, LocalService } from '../agents/index.js';
import { FakeConnection } from '../../../../libs/agent-pool/testing/fake-connection.js';
import type { AgentListDto } from './agent.dto.js';
import { AgentList } from './agent-list.js';

function agentCalled(id: string, port: number): Agent {
  const agent = new Agent(id, 'process');
  const service = new LocalService(agent, 'default', 'http');
  const connection = new FakeConnection(`c-${id}`, { agentId: id });
  service.port = port;
  service.connections.add(connection);
  agent.services = [service];
  agent.add(connection);
  return agent;
}

describe('a list of many agents', () => {
  const agents = Array.from({ length: 1000 }, (_, i) => agentCalled(`kiosk-${i}`, 10_000 + i));
  const list = new AgentList(
    { list: () => agents, get: () => undefined } as never,
    { list: () => [] } as never,
    { list: () => [], remembered: () => [] } as never,
  );
  const page = (query: Record<string, unknown>): AgentListDto => {
    const shown = list.show(query);
    if (shown instanceof Readable) throw new Error('it is made as it is sent');
    return shown;
  };

  it('is made as it is sent, in turns of the event loop, and is the same as page by page', async () => {
    const whole = list.show({});
    if (!(whole instanceof Readable)) throw new Error('it is made at once');
    let turns = 0;
    const over = new AbortController();
    const counted = (async () => {
      for (; !over.signal.aborted; turns += 1) await nextTurn();
    })();
    const all = JSON.parse(await text(whole)) as AgentListDto;
    over.abort();
    await counted;
    expect(turns).toBeGreaterThanOrEqual(4);
    expect([all.count, all.agents.length, all]).toEqual([1000, 1000, { agents: expect.any(Array), count: 1000 }]);
    const paged = [];
    for (let cursor: string | undefined; ;) {
      const { agents: some, next_cursor } = page({ limit: '200', ...(cursor === undefined ? {} : { cursor }) });
      paged.push(...some);
      if (next_cursor === undefined) break;
      cursor = next_cursor;
    }
    const ids = (of: AgentListDto['agents']): string[] => of.map(({ agent_id }) => agent_id);
    expect(ids(paged)).toEqual(ids(all.agents));
  });

  it('reaches its client as any other answer does', async () => {
    await using gateway = await testGateway();
    gateway.app.get(AgentRegistry).list = () => agents;
    const answer = await fetch(`${gateway.admin}/agents`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(((await answer.json()) as AgentListDto).agents).toHaveLength(1000);
    const head = await fetch(`${gateway.admin}/agents`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const given = new AbortController();
    const left = await fetch(`${gateway.admin}/agents`, { signal: given.signal });
    given.abort();
    await expect(left.text()).rejects.toThrow();
    expect((await fetch(`${gateway.admin}/health`)).status).toBe(200);
  });

  it('ends in order when its client leaves in between, or agents do', async () => {
    const whole = list.show({ limit: '1000' }) as Readable;
    for await (const part of whole) {
      expect(part).toMatch(/^\{"agents":\[\{/);
      break;
    }
    expect(whole.destroyed).toBe(true);
    const later = list.show({ sort: '-agent_id' }) as Readable;
    const [last] = agents.slice(-1);
    for (const connection of last?.connections ?? []) last?.remove(connection);
    expect((JSON.parse(await text(later)) as AgentListDto).agents).toHaveLength(1000);
  });
});
