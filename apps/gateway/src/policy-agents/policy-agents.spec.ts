import { collectGarbage, eventually } from '@berth/testing';
import { MemoryStore } from '@berth/state';
import { silentLog } from '@berth/observability';
import { FakeLink, headersEvent } from '../../../../libs/policy-agents/testing/fake-link.js';
import { makerOver, policyAgentsLab } from '../../testing/policy-agents-lab.js';
import { AgentRecords } from './agent-records.js';
import type { AgentSettings } from './agent-schema.js';
import type { PolicyAgents } from './policy-agents.js';

const WAF = { address: '/run/waf.sock', drainMs: 0 };

/** What becomes of a question to an agent. */
async function ask(agents: PolicyAgents, name: string, id = 'x'): Promise<string> {
  const talk = agents.judge(name).begin(id);
  try {
    const { answer, skipped } = await talk.ask(headersEvent(id));
    return skipped ? 'skipped' : answer.decision.kind;
  } catch (thrown) {
    return (thrown as Error).message;
  } finally {
    talk.cancel('manual');
  }
}

function lab(settings = {}) {
  const links: FakeLink[] = [];
  const made: [string, AgentSettings][] = [];
  const maker = makerOver(() => {
    const link = new FakeLink().allowAll();
    links.push(link);
    return link;
  });
  const store = new MemoryStore();
  const agents = policyAgentsLab({
    settings,
    store,
    make: (name, set, observer) => {
      made.push([name, set]);
      return maker(name, set, observer);
    },
  });
  agents.start();
  return { agents, links, made, store };
}

describe('policy agents by their names', () => {
  it('are those of the settings, with what requests say over them', async () => {
    const { agents, made } = lab({ waf: WAF });
    expect(agents.list().map(({ name }) => [name, agents.sourceOf(name)])).toEqual([['waf', 'policyAgents.waf']]);
    await agents.patch('waf', { timeoutMs: 7 });
    expect([agents.get('waf').settings?.timeoutMs, agents.sourceOf('waf')]).toEqual([7, 'PATCH /policy-agents/waf']);
    await agents.patch('waf', { timeoutMs: null });
    expect([agents.get('waf').settings?.timeoutMs, agents.sourceOf('waf')]).toEqual([30_000, 'policyAgents.waf']);
    await agents.put('auth', { address: 'auth:1', drainMs: 0 });
    await agents.takeBack('auth');
    expect(agents.has('auth')).toBe(false);
    await expect(agents.takeBack('waf')).rejects.toThrow(/as the settings say/);
    await expect(agents.takeBack('auth')).rejects.toThrow('Policy agent auth not found');
    expect(made.map(([name]) => name)).toEqual(['waf', 'waf', 'waf', 'auth']);
    await agents.close();
  });

  it('change nothing by a mistake', async () => {
    const { agents, made } = lab({ waf: WAF });
    await expect(agents.put('waf', { address: 'nothing' })).rejects.toThrow(/^address: /);
    await expect(agents.patch('waf', { timeoutMs: -1 })).rejects.toThrow(/^timeoutMs: /);
    await agents.patch('waf', { address: 'reverse', ids: ['w-1'] });
    await expect(agents.put('w-1', { address: 'reverse' })).rejects.toThrow(
      /^ids: w-1 is expected of policy agent waf/,
    );
    await agents.takeBack('waf');
    await expect(agents.patch('constructor', { timeoutMs: 1 })).rejects.toThrow('not found');
    expect([made.length, agents.sourceOf('waf')]).toEqual([3, 'policyAgents.waf']);
    await agents.close();
  });

  it('are changed by one request after the other, also where they come together', async () => {
    const { agents } = lab({ waf: WAF });
    const bad = agents.patch('waf', { timeoutMs: -1 }).catch((thrown: unknown) => String(thrown));
    await Promise.all([agents.patch('waf', { timeoutMs: 7 }), agents.patch('waf', { maxWaiting: 8 })]);
    expect(await bad).toMatch(/timeoutMs: /);
    expect(agents.get('waf').settings).toMatchObject({ timeoutMs: 7, maxWaiting: 8 });
    await agents.close();
  });

  it('survive in the state, whole or as changes', async () => {
    const { agents, store } = lab({ waf: WAF });
    await agents.patch('waf', { whenUnavailable: 'open' });
    await agents.put('auth', { address: 'auth:1', drainMs: 0 });
    await agents.close();
    const records = await new AgentRecords(store, silentLog).load();
    const after = policyAgentsLab({ settings: { waf: { ...WAF, timeoutMs: 9 } }, records });
    after.start();
    const { settings } = after.get('waf');
    expect([settings?.whenUnavailable, settings?.timeoutMs, after.has('auth')]).toEqual(['open', 9, true]);
    await after.close();
  });

  it('fail closed where there is none, and are found by ports when they come', async () => {
    const { agents } = lab();
    const judge = agents.judge('waf');
    expect(await ask(agents, 'waf')).toMatch(/^there is no policy agent waf/);
    await agents.put('waf', WAF);
    expect(agents.judge('waf')).toBe(judge);
    expect(await ask(agents, 'waf')).toBe('allow');
    await agents.takeBack('waf');
    expect(await ask(agents, 'waf')).toMatch(/^there is no policy agent waf/);
    await agents.close();
  });

  it('are forgotten when they are taken out, unless a port holds on to them', async () => {
    const agents = policyAgentsLab({ make: makerOver(() => new FakeLink().allowAll()) });
    const held = agents.judge('held');
    const names = Array.from({ length: 20 }, (_, i) => `a${i}`);
    const refs: WeakRef<object>[] = [];
    for (const name of ['held', ...names]) {
      await agents.put(name, WAF);
      await agents.takeBack(name);
      refs.push(new WeakRef(agents.judge(name)));
    }
    await eventually(() => {
      collectGarbage();
      return refs.slice(1).every((ref) => ref.deref() === undefined);
    });
    expect(agents.judge('held')).toBe(held);
    await agents.close();
  });

  it('what has begun ends with the agent that it began with', async () => {
    const { agents, links } = lab({ waf: { ...WAF, drainMs: 30_000 } });
    const talk = agents.judge('waf').begin('old');
    await talk.ask(headersEvent('old'));
    await agents.patch('waf', { timeoutMs: 5 });
    await Promise.resolve();
    expect(await ask(agents, 'waf', 'new')).toBe('allow');
    expect([links[0]?.of('requestHeaders').length, links[1]?.of('requestHeaders').length]).toEqual([1, 1]);
    expect(links[0]?.isClosed).toBe(false);
    await talk.ask({ kind: 'responseHeaders', correlationId: 'old', status: 200, headers: [] });
    expect(links[0]?.of('responseHeaders')).toHaveLength(1);
    expect(agents.get('waf').totals().cancelled).toBe(1);
    talk.cancel('clientDisconnect');
    expect(agents.get('waf').totals().cancelled).toBe(2);
    await agents.close();
    expect(agents.judge('waf').totals().cancelled).toBe(2);
  });

  it('keep their connections where only what they are asked about changes', async () => {
    const { agents, made } = lab({ waf: WAF });
    const head = { method: 'GET', target: '/open' } as Parameters<ReturnType<PolicyAgents['judge']>['concerns']>[0];
    expect(agents.judge('waf').concerns(head)).toBe(true);
    await agents.patch('waf', { paths: ['/admin/*'] });
    agents.replaceSettings({ waf: { ...WAF, methods: ['GET'] } });
    expect([agents.judge('waf').concerns(head), made.length]).toEqual([false, 1]);
    await agents.close();
  });

  it('stay drained when they are replaced', async () => {
    const { agents } = lab({ waf: WAF });
    agents.get('waf').setDrained(true);
    expect(await ask(agents, 'waf')).toMatch(/is drained by an operator/);
    await agents.patch('waf', { timeoutMs: 5 });
    await Promise.resolve();
    expect(await ask(agents, 'waf')).toMatch(/is drained by an operator/);
    agents.get('waf').setDrained(false);
    expect(await ask(agents, 'waf')).toBe('allow');
    await agents.close();
  });

  it('go on counting when one takes the place of another', async () => {
    const { agents } = lab({ waf: WAF });
    await ask(agents, 'waf');
    await agents.patch('waf', { timeoutMs: 5 });
    await ask(agents, 'waf');
    expect(agents.get('waf').stats.questions).toEqual(new Map([['requestHeaders allow', 2]]));
    expect(agents.get('waf').stats.connects).toBe(2);
    await agents.close();
  });

  it('that no longer fit are as if they were not there', async () => {
    const store = new MemoryStore();
    await store.put('policy-agents/waf', { whole: true, part: { address: 'reverse' } });
    await store.put('policy-agents/old', { something: 'else' });
    const records = await new AgentRecords(store, silentLog).load();
    const agents = policyAgentsLab({ records, fits: (_, { address }) => (address === 'reverse' ? 'no' : undefined) });
    agents.start();
    expect([agents.has('waf'), agents.has('old')]).toEqual([false, false]);
    expect(await ask(agents, 'waf')).toMatch(/^there is no policy agent waf/);
    await agents.close();
  });
});
