import { jest } from '@jest/globals';
import { AgentLab, NOTHING_LEFT, outcome } from '../../testing/agent-lab.js';
import { capabilitiesOf, chunkEvent, completeEvent, FakeLink, headersEvent } from '../../testing/fake-link.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('a question to a policy agent', () => {
  it('is answered by the agent', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink();
    const { id, talk, verdict } = lab.add(link).ask();
    expect(link.sent).toEqual([headersEvent(id)]);
    expect(lab.agent.figures().inFlight).toBe(1);
    await jest.advanceTimersByTimeAsync(20);
    link.answers(id, { decision: { kind: 'block', status: 403, headers: [] } });
    expect(await verdict).toBe('block');
    talk.end(completeEvent(id));
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
    expect(lab.judged).toEqual([
      expect.objectContaining({ event: 'requestHeaders', outcome: 'block', status: 403, durationMs: 20 }),
    ]);
  });

  it.each([
    ['closed', 'policy agent waf did not answer in time (timeoutMs)'],
    ['open', 'skipped'],
  ] as const)('ends at its deadline when nobody answers: fail %s', async (failMode, expected) => {
    await using lab = new AgentLab({ failMode, timeoutMs: 500 });
    const link = new FakeLink();
    const { id, talk, verdict } = lab.add(link).ask();
    await jest.advanceTimersByTimeAsync(499);
    expect(lab.agent.figures().inFlight).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await verdict).toBe(expected);
    expect(link.of('cancel')).toEqual([expect.objectContaining({ correlationId: id, reason: 'timeout' })]);
    expect(lab.agent.figures()).toMatchObject({ timeouts: 1, errors: 1, rejections: { timeout: 1 } });

    // A late answer must not pass for one to the next event.
    const body = outcome(talk.ask(chunkEvent(id)));
    link.answers(id, { decision: { kind: 'block', status: 403, headers: [] } });
    expect(await body).toBe(expected);
    expect(link.of('requestBody')).toEqual([]);
    expect(lab.agent.figures()).toMatchObject({ lateAnswers: 1, unknownAnswers: 0 });
    talk.end(completeEvent(id));
    expect(link.of('requestComplete')).toEqual([]);
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });

  it('is asked about after the one before it was answered', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink();
    const { id, talk, verdict } = lab.add(link).ask();
    const body = outcome(talk.ask(chunkEvent(id)));
    const order: string[] = [];
    void verdict.then(() => order.push('head'));
    void body.then(() => order.push('body'));
    expect(link.sent).toHaveLength(1);
    link.answers(id, { needsMore: true });
    expect(link.sent).toHaveLength(2);
    link.answers(id);
    expect(await Promise.all([verdict, body])).toEqual(['needsMore', 'allow']);
    expect(order).toEqual(['head', 'body']);
    talk.cancel('clientDisconnect');
  });

  it('C8: is asked over the connection that took the first event', async () => {
    await using lab = new AgentLab();
    const links = [new FakeLink().allowAll(), new FakeLink().allowAll(), new FakeLink().allowAll()];
    lab.add(...links);
    for (let i = 0; i < 6; i += 1) {
      const { id, talk } = lab.ask();
      for (let chunk = 0; chunk < 3; chunk += 1) await talk.ask(chunkEvent(id, chunk));
      talk.end(completeEvent(id));
    }
    for (const link of links) {
      const heads = link.of('requestHeaders').map(({ metadata }) => metadata.correlationId);
      expect(heads).toHaveLength(2);
      expect(link.of('requestBody').map(({ correlationId }) => correlationId)).toEqual(
        heads.flatMap((id) => [id, id, id]),
      );
      expect(link.of('requestComplete').map(({ correlationId }) => correlationId)).toEqual(heads);
    }
    expect(lab.agent.figures()).toMatchObject({ lateAnswers: 0, unknownAnswers: 0 });
  });

  it.each([
    ['closed', 'policy agent waf cannot be shown so much at once: it takes 10 bytes'],
    ['open', 'skipped'],
  ] as const)('that is larger than a message may be fails at once: fail %s', async (failMode, expected) => {
    await using lab = new AgentLab({ failMode, breaker: { failures: 1, openMs: 1000 } });
    const link = new FakeLink().allowAll();
    link.tooLarge = { kind: 'requestBody', limit: '10 bytes' };
    const { id, talk } = lab.add(link).ask();
    expect(await outcome(talk.ask(chunkEvent(id)))).toBe(expected);
    expect(link.of('requestBody')).toEqual([]);
    expect(link.of('cancel')).toMatchObject([{ reason: 'manual' }]);
    // Whoever sends the request must not shut the agent out by it.
    expect(lab.agent.figures()).toMatchObject({ errors: 1, rejections: { tooLarge: 1 }, breaker: 'closed' });
    expect(lab.judged.at(-1)).toMatchObject({ event: 'requestBody', reason: 'tooLarge' });
    talk.end(completeEvent(id));
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });

  it.each(['closed', 'open'] as const)(
    'that cannot be shown is counted, and not as a failure of the agent: fail %s',
    async (failMode) => {
      await using lab = new AgentLab({ failMode, breaker: { failures: 1, openMs: 1000 } });
      const { talk, verdict } = lab.add(new FakeLink().allowAll()).ask();
      await verdict;
      talk.unseen('guardrail');
      const skipped = failMode === 'open' ? 1 : 0;
      expect(lab.agent.figures()).toMatchObject({ skipped, errors: 0, rejections: { unseen: 1 }, breaker: 'closed' });
      expect(lab.judged.at(-1)).toMatchObject({ event: 'guardrail', outcome: skipped ? 'skipped' : 'error' });
      expect(talk.failsOpen).toBe(failMode === 'open');
      talk.cancel('manual');
    },
  );

  it('about what the agent does not want to see is not asked', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink(capabilitiesOf({ supportedEvents: new Set(['requestHeaders']) })).allowAll();
    const { id, talk } = lab.add(link).ask();
    expect([talk.supports('requestHeaders'), talk.supports('requestBody')]).toEqual([true, false]);
    expect(await outcome(talk.ask(chunkEvent(id)))).toBe('allow');
    talk.end(completeEvent(id));
    expect(link.sent).toHaveLength(1);
  });

  it('is answered once: what nobody asked, and a second answer, change nothing', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink();
    const { id, talk, verdict } = lab.add(link).ask();
    link.answers('nobody');
    link.answers(id);
    link.answers(id, { decision: { kind: 'block', status: 403, headers: [] } });
    expect(await verdict).toBe('allow');
    expect(lab.agent.figures()).toMatchObject({ lateAnswers: 1, unknownAnswers: 1, inFlight: 0 });
    talk.end(completeEvent(id));
    link.answers(id);
    link.answers(id);
    expect(lab.agent.figures()).toMatchObject({ lateAnswers: 1, unknownAnswers: 2 });
  });
});

describe('C11: an exchange that was cut off', () => {
  it('lets go who waits, tells the agent why, and asks nothing more', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink();
    const { id, talk, verdict } = lab.add(link).ask();
    const queued = outcome(talk.ask(chunkEvent(id)));
    talk.cancel('blockedByAgent', 'other');
    talk.cancel('manual');
    const over = 'the exchange is over at policy agent waf';
    expect(await Promise.all([verdict, queued, outcome(talk.ask(chunkEvent(id)))])).toEqual([over, over, over]);
    expect(link.of('cancel')).toEqual([
      expect.objectContaining({ correlationId: id, reason: 'blockedByAgent', blockingAgentId: 'other' }),
    ]);
    link.answers(id);
    expect(lab.agent.figures()).toMatchObject({ cancelled: 1, lateAnswers: 1, inFlight: 0 });
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });

  it('is nothing to an agent that cannot be told, or was asked nothing', async () => {
    await using lab = new AgentLab({ maxInFlightPerConnection: 1 });
    const link = new FakeLink(capabilitiesOf({ features: { cancellation: false } }));
    const first = lab.add(link).ask();
    const waiting = lab.ask();
    expect(lab.agent.figures().waiting).toBe(1);
    waiting.talk.cancel('clientDisconnect');
    first.talk.cancel('clientDisconnect');
    expect(link.of('cancel')).toEqual([]);
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });
});
