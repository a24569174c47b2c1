import { jest } from '@jest/globals';
import { AgentLab, NOTHING_LEFT, outcome } from '../../testing/agent-lab.js';
import { chunkEvent, completeEvent, FakeLink } from '../../testing/fake-link.js';
import type { FlowSignal } from '../index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const PAUSED = 'policy agent waf has asked for a pause';

function flow(action: FlowSignal['action'], over: Partial<FlowSignal> = {}): FlowSignal {
  return { kind: 'flow', action, timestampMs: 0, ...over };
}

describe('C7: an agent that asks for a pause', () => {
  it.each([
    ['failClosed', 'closed', PAUSED],
    ['failClosed', 'open', 'skipped'],
    ['failOpen', 'closed', 'skipped'],
  ] as const)('is asked nothing new: flow mode %s, fail mode %s', async (flowMode, failMode, expected) => {
    await using lab = new AgentLab({ flowMode, failMode });
    const link = new FakeLink().allowAll();
    lab.add(link).ask();
    link.comes(flow('pause'));
    const { verdict } = lab.ask();
    expect(await verdict).toBe(expected);
    expect(lab.agent.figures()).toMatchObject({ rejections: { paused: 1 }, protocol: { pausedConnections: 1 } });
    link.comes(flow('resume'));
    expect(await lab.ask().verdict).toBe('allow');
    expect(lab.agent.figures().protocol).toMatchObject({ pauses: 1, resumes: 1, pausedConnections: 0 });
  });

  it('has exchanges wait for its end, and no longer than is said', async () => {
    await using lab = new AgentLab({ flowMode: 'waitAndRetry', flowWaitMs: 100 });
    const link = new FakeLink().allowAll();
    const known = lab.add(link).ask();
    link.comes(flow('pause'));
    const [chunk, head] = [outcome(known.talk.ask(chunkEvent(known.id))), lab.ask()];
    await jest.advanceTimersByTimeAsync(99);
    link.comes(flow('resume'));
    await jest.advanceTimersByTimeAsync(1);
    expect(await Promise.all([chunk, head.verdict])).toEqual(['allow', 'allow']);

    link.comes(flow('pause'));
    const [late, refused] = [outcome(known.talk.ask(chunkEvent(known.id, 1))), lab.ask()];
    await jest.advanceTimersByTimeAsync(102);
    expect(await Promise.all([late, refused.verdict])).toEqual([PAUSED, PAUSED]);
    head.talk.cancel('manual');
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });

  it('may mean one exchange alone', async () => {
    await using lab = new AgentLab({ flowMode: 'waitAndRetry', flowWaitMs: 1000 });
    const link = new FakeLink().allowAll();
    const [one, other] = [lab.add(link).ask(), lab.ask()];
    link.comes(flow('pause', { correlationId: one.id }));
    link.comes(flow('pause', { correlationId: 'nobody' }));
    const held = outcome(one.talk.ask(chunkEvent(one.id)));
    expect(await outcome(other.talk.ask(chunkEvent(other.id)))).toBe('allow');
    expect(await lab.ask().verdict).toBe('allow');
    expect(link.of('requestBody')).toHaveLength(1);
    link.comes(flow('resume', { correlationId: one.id }));
    expect(await held).toBe('allow');
  });

  it('may mean one that waits for room already', async () => {
    await using lab = new AgentLab({ flowMode: 'waitAndRetry', maxInFlightPerConnection: 1 });
    const link = new FakeLink();
    const one = lab.add(link).ask();
    link.answers(one.id);
    const other = lab.ask();
    const held = outcome(one.talk.ask(chunkEvent(one.id)));
    link.comes(flow('pause', { correlationId: one.id }));
    link.answers(other.id);
    expect(link.of('requestBody')).toEqual([]);
    link.comes(flow('resume', { correlationId: one.id }));
    link.answers(one.id);
    expect(await held).toBe('allow');
  });

  it('may say it as room for nothing', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink().allowAll();
    lab.add(link);
    link.comes(flow('updateCapacity', { bufferAvailable: 0 }));
    expect(await lab.ask().verdict).toBe(PAUSED);
    link.comes(flow('updateCapacity', { bufferAvailable: 65_536 }));
    expect(await lab.ask().verdict).toBe('allow');
    expect(lab.agent.figures()).toMatchObject({ flowSignals: 2, protocol: { capacityUpdates: 2 } });
  });

  it('is not asked on the paused connection while another one takes more', async () => {
    await using lab = new AgentLab();
    const [paused, free] = [new FakeLink().allowAll(), new FakeLink().allowAll()];
    lab.add(paused, free);
    paused.comes(flow('pause'));
    for (let i = 0; i < 4; i += 1) expect(await lab.ask().verdict).toBe('allow');
    expect([paused.sent.length, free.sent.length]).toEqual([0, 4]);
  });

  it('may change its mind ten thousand times a second: its owner hears of few of them, and of the last', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink().allowAll();
    lab.add(link);
    for (let i = 0; i < 10_000; i += 1) link.comes(flow(i % 2 === 0 ? 'resume' : 'pause'));
    expect(lab.told.length).toBeLessThan(20);
    await jest.advanceTimersByTimeAsync(2000);
    expect(lab.told.at(-1)).toBe('waf-1 healthy paused the agent asks for a pause');
    expect(await lab.ask().verdict).toBe(PAUSED);
  });
});

describe('C8: exchanges that nobody ends', () => {
  it('are forgotten after five minutes, and known again with their next question', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink().allowAll();
    const { id, talk } = lab.add(link).ask();
    await jest.advanceTimersByTimeAsync(299_000);
    expect(lab.agent.figures().protocol.conversations).toBe(1);
    await jest.advanceTimersByTimeAsync(62_000);
    expect(lab.agent.figures().protocol).toMatchObject({ conversations: 0, affinityEvictions: 1 });
    expect(await outcome(talk.ask(chunkEvent(id)))).toBe('allow');
    expect(lab.agent.figures().protocol.conversations).toBe(1);
    talk.end(completeEvent(id));
    expect(lab.leftOver).toEqual(NOTHING_LEFT);
  });
});
