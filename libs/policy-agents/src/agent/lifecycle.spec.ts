import { jest } from '@jest/globals';
import { AgentLab, NOTHING_LEFT, outcome } from '../../testing/agent-lab.js';
import { chunkEvent, completeEvent, FakeLink } from '../../testing/fake-link.js';
import { type AgentLink, POLICY_AGENT_DEFAULTS, type PolicyAgentOptions } from '../index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** An agent that is dialled, while it is up. */
function dialled(options: Partial<PolicyAgentOptions> = {}) {
  const state = { up: true, hangs: false, attempts: 0, links: [] as FakeLink[] };
  const lab = new AgentLab({ connections: 2, ...options }, {}, async (signal): Promise<AgentLink> => {
    state.attempts += 1;
    if (state.hangs)
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    if (!state.up) throw new Error('connect ENOENT /run/waf.sock');
    const link = new FakeLink().allowAll();
    state.links.push(link);
    return link;
  });
  return { lab, state };
}

it('C1: defaults', () => {
  expect(POLICY_AGENT_DEFAULTS).toMatchObject({
    connections: 4,
    strategy: 'roundRobin',
    connectTimeoutMs: 5000,
    timeoutMs: 30_000,
    drainMs: 30_000,
    maxInFlightPerConnection: 100,
    pingIntervalMs: 10_000,
    failMode: 'closed',
    flowMode: 'failClosed',
    flowWaitMs: 100,
    push: { ackTimeoutMs: 10_000, tries: 3, retryMs: 2000, maxPending: 100 },
  });
});

describe('an agent that is dialled', () => {
  it('C4: is told of when it is nowhere, and found when it comes', async () => {
    const { lab, state } = dialled();
    await using _lab = lab;
    state.up = false;
    const message = 'Failed to create any connections to agent waf: connect ENOENT /run/waf.sock';
    await expect(lab.agent.start()).rejects.toThrow(message);
    expect(await lab.ask().verdict).toBe('No connections available for agent waf (policy agent)');
    await jest.advanceTimersByTimeAsync(60_000);
    expect(lab.told).toEqual(['unreachable connect ENOENT /run/waf.sock']);
    expect(lab.agent.figures().problem).toBe('connect ENOENT /run/waf.sock');
    expect(state.attempts).toBeGreaterThan(10);
    expect(state.attempts).toBeLessThan(60);
    state.up = true;
    await jest.advanceTimersByTimeAsync(15_000);
    expect(lab.told.slice(1)).toEqual(['waf-1 connected', 'waf-2 connected']);
    expect(lab.agent.figures()).toMatchObject({ problem: '', protocol: { activeConnections: 2 } });
    expect(await lab.ask().verdict).toBe('allow');
  });

  it('C13: is dialled again at once when its connections end, and each time anew', async () => {
    const { lab, state } = dialled();
    await using _lab = lab;
    await lab.agent.start();
    for (let round = 0; round < 5; round += 1) {
      for (const link of state.links) link.end();
      expect(await lab.ask().verdict).toBe('No connections available for agent waf (policy agent)');
      await jest.advanceTimersByTimeAsync(10);
      expect(await lab.ask().verdict).toBe('allow');
    }
    expect(state.links.filter(({ isClosed }) => !isClosed)).toHaveLength(2);
  });

  it('is given up when it hangs, and no attempt outlives the end', async () => {
    const { lab, state } = dialled({ connectTimeoutMs: 500 });
    state.hangs = true;
    const started = lab.agent.start().catch((error: unknown) => (error as Error).message);
    await jest.advanceTimersByTimeAsync(1000);
    expect(await started).toContain('not connected within 500 ms');
    await jest.advanceTimersByTimeAsync(10_200);
    await lab[Symbol.asyncDispose]();
    expect(lab.agent.figures().connections).toEqual([]);
  });

  it('is reached anew on demand, and never without a connection', async () => {
    const { lab, state } = dialled({ connections: 1 });
    await using _lab = lab;
    await lab.agent.start();
    lab.agent.reconnect();
    lab.agent.reconnect();
    expect(await lab.ask().verdict).toBe('allow');
    await jest.advanceTimersByTimeAsync(10);
    expect(await lab.ask().verdict).toBe('allow');
    expect(state.links[1]?.of('requestHeaders')).toHaveLength(1);
  });

  it('is reached anew one connection after the other', async () => {
    const { lab, state } = dialled();
    await using _lab = lab;
    await lab.agent.start();
    const known = lab.ask();
    await known.verdict;
    const [first, second] = [...state.links];
    lab.agent.reconnect();
    expect(await lab.ask().verdict).toBe('allow');
    state.up = false;
    await jest.advanceTimersByTimeAsync(100);
    expect(await lab.ask().verdict).toBe('allow');
    expect([first?.isClosed, second?.isClosed]).toEqual([false, false]);
    state.up = true;
    await jest.advanceTimersByTimeAsync(12_000);
    expect(state.links).toHaveLength(4);
    // Exchanges that the old ones know go on there, and hold them.
    expect(await outcome(known.talk.ask(chunkEvent(known.id)))).toBe('allow');
    known.talk.end(completeEvent(known.id));
    await jest.advanceTimersByTimeAsync(30_000);
    expect([first?.isClosed, second?.isClosed]).toEqual([true, true]);
    expect(lab.agent.figures().protocol.activeConnections).toBe(2);
  });
});

describe('an agent that is reached anew', () => {
  it('goes on to the next connection when one ends by itself meanwhile', async () => {
    const { lab, state } = dialled();
    await using _lab = lab;
    await lab.agent.start();
    lab.agent.reconnect();
    lab.agent.reconnect();
    state.links[0]?.end();
    await jest.advanceTimersByTimeAsync(2000);
    expect(state.links.map(({ isClosed }) => isClosed)).toEqual([true, true, false, false]);
    lab.agent.reconnect();
    await jest.advanceTimersByTimeAsync(2000);
    expect(state.links.map(({ isClosed }) => isClosed)).toEqual([true, true, true, true, false, false]);
  });

  it('is let go on one connection after the other when it is the one that dials', async () => {
    await using lab = new AgentLab();
    const links = [new FakeLink(), new FakeLink(), new FakeLink(), new FakeLink()];
    const state = (): boolean[] => links.map(({ isClosed }) => isClosed);
    lab.add(...links);
    lab.agent.reconnect();
    expect(state()).toEqual([true, false, false, false]);
    lab.add(new FakeLink());
    expect(state()).toEqual([true, true, false, false]);
    links[2]?.end();
    const successors = [new FakeLink(), new FakeLink()];
    lab.add(...successors.slice(0, 1));
    expect(state()).toEqual([true, true, true, true]);
    lab.add(...successors.slice(1));
    expect(successors.map(({ isClosed }) => isClosed)).toEqual([false, false]);
  });
});

describe('C12: the end of an agent', () => {
  it('lets exchanges go on that it knows, and asks nothing new', async () => {
    const lab = new AgentLab({ drainMs: 5000 });
    const [busy, idle] = [new FakeLink().allowAll(), new FakeLink().allowAll()];
    lab.add(busy, idle);
    const known = lab.ask();
    await known.verdict;
    const closed = lab.agent.close();
    let over = false;
    void closed.then(() => (over = true));
    expect([busy.isClosed, idle.isClosed]).toEqual([false, true]);
    expect(busy.of('shutdown')).toEqual([expect.objectContaining({ reason: 'graceful', gracePeriodMs: 5000 })]);
    expect(await lab.ask().verdict).toBe('policy agent waf is being closed');
    expect(lab.agent.add(new FakeLink())).toBe('policy agent waf is being closed');
    await jest.advanceTimersByTimeAsync(1000);
    expect(await outcome(known.talk.ask(chunkEvent(known.id)))).toBe('allow');
    expect(over).toBe(false);
    known.talk.end(completeEvent(known.id));
    await closed;
    expect(busy.of('requestComplete')).toHaveLength(1);
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
    await lab.agent.close();
  });

  it('waits no longer than it may, cancels each and lets go who waits', async () => {
    const lab = new AgentLab({ drainMs: 5000, maxInFlightPerConnection: 2 });
    const link = new FakeLink();
    lab.add(link);
    const [asked, silent, waiting] = [lab.ask(), lab.ask(), lab.ask()];
    link.answers(silent.id);
    await jest.advanceTimersByTimeAsync(1);
    const late = lab.ask();
    const closed = lab.agent.close();
    expect(await late.verdict).toBe('policy agent waf is being closed');
    await jest.advanceTimersByTimeAsync(5000);
    await closed;
    expect(await Promise.all([asked.verdict, silent.verdict, waiting.verdict])).toEqual([
      'policy agent waf is being closed',
      'allow',
      'policy agent waf is being closed',
    ]);
    expect(await outcome(silent.talk.ask(chunkEvent(silent.id)))).toBe('policy agent waf is being closed');
    expect(link.of('cancel').map(({ correlationId, reason }) => [correlationId, reason])).toEqual(
      [asked.id, silent.id, waiting.id].map((id) => [id, 'proxyShutdown']),
    );
    expect(link.isClosed).toBe(true);
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });

  it('comes at once when nothing may be waited for', async () => {
    const lab = new AgentLab({ drainMs: 0 });
    const link = new FakeLink();
    const { verdict } = lab.add(link).ask();
    await lab.agent.close();
    expect(await verdict).toBe('policy agent waf is being closed');
    expect(link.isClosed).toBe(true);
  });
});

it('two exchanges with one correlation id are not taken for one', async () => {
  await using lab = new AgentLab();
  const link = new FakeLink();
  const { id, verdict } = lab.add(link).ask();
  const other = outcome(lab.agent.begin(id).ask(chunkEvent(id)));
  expect(await other).toBe('two exchanges at policy agent waf have one correlation id');
  link.answers(id);
  expect(await verdict).toBe('allow');
});
