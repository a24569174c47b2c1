import { jest } from '@jest/globals';
import { AgentLab } from '../../testing/agent-lab.js';
import { capabilitiesOf, FakeLink } from '../../testing/fake-link.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const takesConfig = (): FakeLink => new FakeLink(capabilitiesOf({ features: { configPush: true } }));

describe('C19: a configuration for an agent', () => {
  it('is sent to each connection first, and to no agent that takes none', async () => {
    await using lab = new AgentLab({ configJson: '{"a":1}' });
    const [one, none] = [takesConfig(), new FakeLink()];
    lab.add(one, none);
    expect(one.sent).toEqual([
      {
        kind: 'configure',
        correlationId: 'config-initial',
        version: 'config-initial',
        configJson: '{"a":1}',
        isInitial: true,
        timestampMs: Date.now(),
      },
    ]);
    expect(none.sent).toEqual([]);
    one.answers('config-initial');
    one.answers('config-initial', { decision: { kind: 'block', status: 500, body: 'no such rule', headers: [] } });
    expect(lab.told.at(-1)).toBe('log warn refused its first configuration: no such rule');
    expect(lab.agent.figures().unknownAnswers).toBe(0);
  });

  it('is pushed, answered, and what later connections are given first', async () => {
    await using lab = new AgentLab({ configJson: '{"a":1}' });
    const link = takesConfig();
    lab.add(link);
    const push = lab.agent.push('{"a":2}');
    expect(push).toMatchObject({ state: 'sent', tries: 1, bytes: 7, settledAt: undefined });
    expect(link.of('configure').at(-1)).toMatchObject({
      configJson: '{"a":2}',
      correlationId: push.id,
      isInitial: false,
    });
    link.answers(push.id);
    expect(lab.agent.pushes()).toEqual([expect.objectContaining({ id: push.id, state: 'acknowledged', error: '' })]);
    expect(lab.told.at(-1)).toBe('push acknowledged');
    const refused = lab.agent.push('{"a":3}');
    link.answers(refused.id, { decision: { kind: 'block', status: 500, body: 'Configuration rejected', headers: [] } });
    expect(lab.told.at(-1)).toBe('push failed Configuration rejected');
    expect(lab.agent.pushes().map(({ id }) => id)).toEqual([refused.id, push.id]);
    const later = takesConfig();
    lab.add(later);
    expect(later.of('configure')).toEqual([expect.objectContaining({ configJson: '{"a":2}', isInitial: true })]);
  });

  it('that is larger than a message may be fails, and the log says so of the first one', async () => {
    await using lab = new AgentLab({ configJson: '{"a":1}' });
    const link = takesConfig();
    link.tooLarge = { kind: 'configure', limit: '6 bytes' };
    lab.add(link);
    const why = 'the configuration is too large: the agent takes 6 bytes';
    expect(lab.told.at(-1)).toBe(`log warn it was not told its first configuration: ${why}`);
    lab.agent.push('{"a":2}');
    await jest.advanceTimersByTimeAsync(4000);
    expect(lab.told.at(-1)).toBe(`push failed ${why}`);
  });

  it('expires when nobody answers, and is not taken by an agent that cannot', async () => {
    await using lab = new AgentLab();
    const unsupported = expect.objectContaining({ code: 'BERTH_CONFIG_PUSH_UNSUPPORTED' }) as Error;
    expect(() => lab.agent.push('{}')).toThrow(unsupported);
    const link = new FakeLink();
    lab.add(link);
    expect(() => lab.agent.push('{}')).toThrow(unsupported);
    lab.add(takesConfig());
    lab.agent.push('{}');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(lab.told.at(-1)).toBe('push expired no answer within 10000 ms (policyAgents.waf.push.ackTimeoutMs)');
  });

  it('goes on over another connection, three times in all, and only so many are under way', async () => {
    const push = { ackTimeoutMs: 10_000, tries: 3, retryMs: 2000, maxPending: 2, history: 5 };
    await using lab = new AgentLab({ push });
    const links = [takesConfig(), takesConfig()];
    lab.add(...links);
    lab.agent.push('1');
    lab.agent.push('2');
    expect(() => lab.agent.push('3')).toThrow(expect.objectContaining({ code: 'BERTH_TOO_MANY_PUSHES' }) as Error);
    links[0]?.end();
    const third = takesConfig();
    lab.add(third);
    expect(third.of('configure').map(({ configJson }) => configJson)).toEqual(['1']);
  });
});
