import { silentLog } from '@berth/observability';
import { MemoryStore } from '@berth/state';
import { eventually } from '@berth/testing';
import { LifecycleEvents } from '../lifecycle/index.js';
import { whyAbsent } from './absent-agent.js';
import { AbsentAgents } from './absent-agents.js';

const WEB = { default: { kind: 'http', scheme: 'https' } };
const SSH = { ssh: { kind: 'tcp', scheme: 'tcp' } };

const NOW = Date.parse('2030-01-01T12:00:00Z');

describe('agents that are away', () => {
  let store: MemoryStore;
  let now: number;
  let options: { rememberedAgents: number };
  beforeEach(() => {
    now = NOW;
    store = new MemoryStore();
    options = { rememberedAgents: 3 };
  });

  interface Life {
    absent: AbsentAgents;
    comes(agentId: string, metadata?: Record<string, string>): Promise<void>;
    leaves(agentId: string, reason?: string, lastSeen?: number): Promise<void>;
  }
  /** A gateway's life, from its start on. */
  async function life(): Promise<Life> {
    const events = new LifecycleEvents(silentLog);
    const absent = await new AbsentAgents(store, events, options, silentLog, () => now).load();
    const told = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    return {
      absent,
      comes(agentId, metadata = {}) {
        const address = { port: 8100, scheme: 'http', remoteAddress: '192.0.2.7:5000', version: '1.2.3' };
        events.emit('agent.connected', { agentId, ...address, services: WEB, metadata });
        return told();
      },
      leaves(agentId, reason = 'closed', lastSeen = now) {
        events.emit('agent.disconnected', { agentId, port: 8100, services: SSH, reason, lastSeen });
        return told();
      },
    };
  }
  const idsOf = ({ absent }: Life): string[] => absent.list().map(({ agentId }) => agentId);

  it('are known from when they leave until they come back', async () => {
    const gateway = await life();
    await gateway.comes('a', { site: 'north' });
    expect(idsOf(gateway)).toEqual([]);
    now = NOW + 60_000;
    await gateway.leaves('a', 'BERTH_CONNECTION_SILENT', NOW + 1000);
    expect(gateway.absent.get('a')).toEqual({
      ...{ agentId: 'a', port: 8100, scheme: 'http', remoteAddress: '192.0.2.7:5000', version: '1.2.3' },
      ...{ connectedAt: NOW, lastSeen: NOW + 1000, leftAt: NOW + 60_000, reason: 'BERTH_CONNECTION_SILENT' },
      metadata: { site: 'north' },
      services: { ...WEB, ...SSH },
    });
    await gateway.comes('a');
    expect(idsOf(gateway)).toEqual([]);
  });

  it('are as many as the setting says: those that left first go, also when it shrinks', async () => {
    const gateway = await life();
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await gateway.comes(id);
      await gateway.leaves(id);
    }
    expect(idsOf(gateway)).toEqual(['c', 'd', 'e']);
    await eventually(async () => (await store.list('agents/')).length === 3);
    options.rememberedAgents = 1;
    gateway.absent.alive();
    expect(idsOf(gateway)).toEqual(['e']);
    options.rememberedAgents = 0;
    await gateway.comes('f');
    await gateway.leaves('f');
    expect(idsOf(gateway)).toEqual([]);
    await gateway.absent.close();
    expect(await store.list('agents/')).toEqual([]);
  });

  it('are known to the next gateway, with those that were there when the one before ended', async () => {
    const first = await life();
    await first.comes('left');
    await first.leaves('left');
    await first.comes('there');
    now = NOW + 5000;
    first.absent.shutDown();
    // It goes because the gateway does: that is not its doing.
    await first.leaves('there', 'closed');
    await first.absent.close();
    now = NOW + 90_000;
    const second = await life();
    expect(idsOf(second)).toEqual(['left', 'there']);
    const there = second.absent.get('there');
    expect(there).toMatchObject({ lastSeen: NOW + 5000, reason: 'gateway_ended' });
    expect(there && whyAbsent(there)).toMatch(/^the gateway ended, and/);
    expect([there?.services, second.absent.get('left')?.services]).toEqual([WEB, { ...WEB, ...SSH }]);
    await second.comes('there');
    expect(idsOf(second)).toEqual(['left']);
  });

  it('were there until the last sign of life of a gateway that ended without a word', async () => {
    const first = await life();
    await first.comes('a');
    now = NOW + 30_000;
    first.absent.alive();
    await eventually(async () => JSON.stringify((await store.get('gateway/alive'))?.value).includes(`${NOW + 30_000}`));
    now = NOW + 90_000;
    const second = await life();
    expect(second.absent.get('a')).toMatchObject({ lastSeen: NOW + 30_000, reason: 'gateway_crashed' });
    // What the second one has found is not judged anew by the third.
    await second.absent.close();
    now = NOW + 200_000;
    expect((await life()).absent.get('a')).toMatchObject({ lastSeen: NOW + 30_000, reason: 'gateway_crashed' });
  });

  it('are known without the kinds of their ports to a gateway whose forerunner did not write these', async () => {
    const agent = { connectedAt: 1, port: 1, scheme: 'http', remoteAddress: '', version: '', metadata: {} };
    await store.put('agents/a', agent);
    expect((await life()).absent.get('a')).toMatchObject({ ...agent, services: {} });
  });

  it('can be forgotten for good', async () => {
    const gateway = await life();
    await gateway.comes('a');
    await gateway.leaves('a');
    expect([gateway.absent.forget('a'), gateway.absent.forget('a')]).toEqual([true, false]);
    await gateway.absent.close();
    expect(idsOf(await life())).toEqual([]);
  });

  it.each([
    ['agents/a', null],
    ['agents/a', 'text'],
    ['agents/a/b', { connectedAt: 1 }],
    ['agents/a', { connectedAt: 1e300, port: 1, scheme: '', remoteAddress: '', version: '', metadata: {} }],
    ['agents/a', { connectedAt: 1, port: 1, scheme: '', remoteAddress: '', version: '', metadata: { a: 1 } }],
    [
      'agents/a',
      { connectedAt: 1, port: 1, scheme: '', services: { a: 1 }, remoteAddress: '', version: '', metadata: {} },
    ],
    ['gateway/alive', 'text'],
    ['gateway/alive', { at: 'now' }],
  ])('a record %s that is %j disturbs nobody', async (key, value) => {
    await store.put(key, value);
    const gateway = await life();
    expect(idsOf(gateway)).toEqual([]);
    await gateway.comes('b');
    await gateway.leaves('b');
    expect(idsOf(gateway)).toEqual(['b']);
  });
});
