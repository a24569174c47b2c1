import { jest } from '@jest/globals';
import { BerthError } from '@berth/errors';
import { AgentLab, NOTHING_LEFT, outcome } from '../../testing/agent-lab.js';
import { capabilitiesOf, chunkEvent, completeEvent, FakeLink, headersEvent } from '../../testing/fake-link.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const BROKEN = new BerthError('BERTH_CONNECTION_CLOSED', 'read ECONNRESET');

describe('C10: an agent that takes no more', () => {
  it.each([
    [{ maxInFlightPerConnection: 2 }, {}],
    [{}, { limits: { maxConcurrency: 2 } }],
    [{}, { features: { concurrentRequests: 2 } }],
  ])('has them wait: options %j, capabilities %j', async (options, capabilities) => {
    await using lab = new AgentLab(options);
    const link = new FakeLink(capabilitiesOf(capabilities));
    lab.add(link);
    const [first, , third] = [lab.ask(), lab.ask(), lab.ask()];
    expect([link.sent.length, lab.agent.figures().waiting]).toEqual([2, 1]);
    link.answers(first.id);
    await jest.advanceTimersByTimeAsync(1);
    expect(link.sent).toHaveLength(3);
    link.answers(third.id);
    expect(await third.verdict).toBe('allow');
  });

  it('lets those go first that it knows already', async () => {
    await using lab = new AgentLab({ maxInFlightPerConnection: 1 });
    const link = new FakeLink();
    const first = lab.add(link).ask();
    link.answers(first.id);
    const second = lab.ask();
    const third = lab.ask();
    const body = outcome(first.talk.ask(chunkEvent(first.id)));
    link.answers(second.id);
    await jest.advanceTimersByTimeAsync(1);
    expect(link.sent.at(-1)).toMatchObject({ kind: 'requestBody', correlationId: first.id });
    link.answers(first.id);
    await jest.advanceTimersByTimeAsync(1);
    link.answers(third.id);
    expect(await Promise.all([body, third.verdict])).toEqual(['allow', 'allow']);
  });

  it('refuses what waited too long, or what too many wait before', async () => {
    await using lab = new AgentLab({ maxInFlightPerConnection: 1, maxWaiting: 1, timeoutMs: 1000 });
    const link = new FakeLink(capabilitiesOf({ features: { cancellation: false } }));
    lab.add(link).ask();
    await jest.advanceTimersByTimeAsync(500);
    const [late, refused] = [lab.ask(), lab.ask()];
    const full = expect.stringContaining('as many questions as it takes') as string;
    expect(await refused.verdict).toEqual(full);
    // The first one is given up at its deadline; room is made, and the agent does not answer the next one either.
    await jest.advanceTimersByTimeAsync(1000);
    expect(await late.verdict).toBe('policy agent waf did not answer in time (timeoutMs)');
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });

  it('does not read: nothing more is sent until it does', async () => {
    await using lab = new AgentLab({ timeoutMs: 1000 });
    const link = new FakeLink();
    link.takes = false;
    const first = lab.add(link).ask();
    link.answers(first.id);
    const body = outcome(first.talk.ask(chunkEvent(first.id)));
    const other = lab.ask();
    expect(link.sent).toHaveLength(1);
    link.takes = true;
    link.receiver.drained();
    await jest.advanceTimersByTimeAsync(1);
    expect(link.sent.map(({ kind }) => kind)).toEqual(['requestHeaders', 'requestBody', 'requestHeaders']);
    link.answers(first.id);
    link.answers(other.id);
    expect(await Promise.all([body, other.verdict])).toEqual(['allow', 'allow']);
    link.takes = false;
    const last = lab.ask();
    first.talk.end(completeEvent(first.id));
    link.answers(last.id);
    expect(lab.agent.figures().protocol.completesLeftOut).toBe(1);
  });
});

describe('C5: an agent that is not there', () => {
  it('says so, and with what is wrong', async () => {
    await using lab = new AgentLab({ timeoutMs: 100 });
    expect(await lab.ask().verdict).toBe('No connections available for agent waf (policy agent)');
    const link = new FakeLink();
    lab.add(link);
    link.comes({
      kind: 'health',
      agentId: 'waf',
      state: 'unhealthy',
      timestampMs: 0,
      disabledFeatures: [],
      timeoutMultiplier: 0,
      recoverable: true,
    });
    expect(await lab.ask().verdict).toBe('No healthy connections for agent waf (policy agent)');
    lab.agent.setDrained(true);
    expect(await lab.ask().verdict).toBe(
      'policy agent waf is drained by an operator (POST /policy-agents/waf/undrain ends it)',
    );
    expect(lab.agent.figures().rejections).toMatchObject({ away: 1, unfit: 1, drained: 1 });
  });

  it('is passed over when it fails open', async () => {
    await using lab = new AgentLab({ failMode: 'open' });
    const { id, talk, verdict } = lab.ask();
    expect(await Promise.all([verdict, outcome(talk.ask(chunkEvent(id)))])).toEqual(['skipped', 'skipped']);
    expect(lab.judged.map(({ outcome: its, reason }) => [its, reason])).toEqual([
      ['skipped', 'away'],
      ['skipped', 'away'],
    ]);
    expect(lab.agent.figures()).toMatchObject({ skipped: 2, requests: 0 });
  });
});

describe('a connection that ends', () => {
  it('leaves the agent what its other connections want to see, and an agent without any what it last wanted', async () => {
    await using lab = new AgentLab();
    const first = new FakeLink(capabilitiesOf({ supportedEvents: new Set(['requestHeaders']) }));
    const second = new FakeLink(capabilitiesOf({ supportedEvents: new Set() }));
    lab.add(first, second);
    const wants = () => lab.begin().talk.supports('requestHeaders');
    expect(wants()).toBe(true);
    second.end(BROKEN);
    expect(wants()).toBe(true);
    first.end(BROKEN);
    expect(wants()).toBe(true);
  });

  it('fails at once what was under way, but asks the first event once more elsewhere', async () => {
    await using lab = new AgentLab();
    const [broken, other] = [new FakeLink(), new FakeLink()];
    const fresh = lab.add(broken).ask();
    const started = lab.ask();
    broken.answers(started.id);
    const body = outcome(started.talk.ask(chunkEvent(started.id)));
    lab.add(other);
    broken.end(BROKEN);
    expect(await body).toBe('the connection to policy agent waf ended before it answered: read ECONNRESET');
    expect(other.sent).toEqual([headersEvent(fresh.id)]);
    other.end(BROKEN);
    expect(await fresh.verdict).toContain('the connection to policy agent waf ended');
    expect(lab.told).toEqual([
      'waf-1 connected',
      'waf-2 connected',
      'waf-1 disconnected BERTH_CONNECTION_CLOSED',
      'waf-2 disconnected BERTH_CONNECTION_CLOSED',
    ]);
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });

  it('takes along what was said on it: the exchange is not judged by another one', async () => {
    await using lab = new AgentLab({ failMode: 'open' });
    const [broken, other] = [new FakeLink().allowAll(), new FakeLink().allowAll()];
    const { id, talk, verdict } = lab.add(broken).ask();
    expect(await verdict).toBe('allow');
    lab.add(other);
    broken.end();
    expect(await outcome(talk.ask(chunkEvent(id)))).toBe('skipped');
    talk.end(completeEvent(id));
    expect(other.sent).toEqual([]);
  });
});
