import { jest } from '@jest/globals';
import { AgentLab } from '../../testing/agent-lab.js';
import { capabilitiesOf, FakeLink } from '../../testing/fake-link.js';
import type { ConfigUpdate, HealthReport, LogReport, MetricsReport } from '../index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function health(over: Partial<HealthReport> = {}): HealthReport {
  return {
    kind: 'health',
    agentId: 'waf',
    state: 'healthy',
    timestampMs: 0,
    disabledFeatures: [],
    timeoutMultiplier: 0,
    recoverable: true,
    ...over,
  };
}

const METRICS: MetricsReport = {
  kind: 'metrics',
  agentId: 'waf',
  timestampMs: 0,
  intervalMs: 1000,
  counters: [],
  gauges: [],
  histograms: [],
};

function logLine(message: string): LogReport {
  return { kind: 'log', level: 'warn', message, fields: {}, timestampMs: 0 };
}

function update(requestId: string): ConfigUpdate {
  return { kind: 'configUpdate', requestId, timestampMs: 0, change: { kind: 'reload' } };
}

describe('C16: what an agent reports of its health', () => {
  it('decides which connection is asked, and is told once', async () => {
    await using lab = new AgentLab();
    const [first, second] = [new FakeLink().allowAll(), new FakeLink().allowAll()];
    lab.add(first, second);
    const known = lab.ask();
    for (let i = 0; i < 3; i += 1) first.comes(health({ state: 'draining', message: 'goes down at five' }));
    for (let i = 0; i < 3; i += 1) expect(await lab.ask().verdict).toBe('allow');
    expect([first.sent.length, second.sent.length]).toEqual([1, 3]);
    // What it knows already it sees to the end.
    expect(await known.verdict).toBe('allow');
    known.talk.end({
      kind: 'requestComplete',
      correlationId: known.id,
      status: 200,
      durationMs: 1,
      bytesReceived: 0,
      bytesSent: 0,
    });
    expect(first.of('requestComplete')).toHaveLength(1);
    first.comes(health());
    expect(lab.told.slice(2)).toEqual([
      'waf-1 healthy draining the agent reports draining: goes down at five',
      'waf-1 draining healthy',
    ]);
  });

  it.each([
    [2, 2],
    [100, 4],
    [0.1, 1],
    [-1, 1],
    [NaN, 1],
  ])('stretches the time for an answer, four times at most: %d', async (timeoutMultiplier, times) => {
    await using lab = new AgentLab({ timeoutMs: 1000 });
    const link = new FakeLink();
    lab.add(link);
    link.comes(health({ timeoutMultiplier }));
    const { verdict } = lab.ask();
    let over = false;
    void verdict.then(() => (over = true));
    await jest.advanceTimersByTimeAsync(times * 1000 - 1);
    expect(over).toBe(false);
    await jest.advanceTimersByTimeAsync(20);
    expect(over).toBe(true);
  });

  it('takes away events that it cannot handle, and holds as long as it says', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink().allowAll();
    const { talk } = lab.add(link).ask();
    const disabledFeatures = ['streaming_body', 'constructor'];
    link.comes(health({ state: 'unhealthy', disabledFeatures, validUntilMs: Date.now() + 5000 }));
    expect([talk.supports('requestBody'), talk.supports('responseHeaders')]).toEqual([false, true]);
    expect(await lab.ask().verdict).toBe('No healthy connections for agent waf (policy agent)');
    await jest.advanceTimersByTimeAsync(6000);
    expect(talk.supports('requestBody')).toBe(true);
    expect(await lab.ask().verdict).toBe('allow');
    expect(lab.agent.figures().connections[0]?.lastReport).toBeUndefined();
  });

  it('is kept in limits, however long it is', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink();
    lab.add(link);
    const long = 'x'.repeat(1_000_000);
    link.comes(health({ state: 'degraded', message: long, disabledFeatures: new Array<string>(1000).fill(long) }));
    expect(JSON.stringify(lab.agent.figures()).length).toBeLessThan(20_000);
    expect(lab.agent.figures().connections[0]).toMatchObject({ state: 'degraded' });
  });
});

describe('C6, C13: failures of a connection', () => {
  it('take it out at the third in a row, and maintenance tries it again', async () => {
    await using lab = new AgentLab({ timeoutMs: 100, breaker: { failures: 0, openMs: 0 } });
    const link = new FakeLink();
    lab.add(link);
    for (let i = 0; i < 3; i += 1) {
      const { verdict } = lab.ask();
      await jest.advanceTimersByTimeAsync(110);
      expect(await verdict).toContain('did not answer in time');
    }
    expect(await lab.ask().verdict).toBe('No healthy connections for agent waf (policy agent)');
    await jest.advanceTimersByTimeAsync(11_000);
    link.allowAll();
    expect(await lab.ask().verdict).toBe('allow');
    expect(lab.agent.figures().connections[0]).toMatchObject({ state: 'healthy', requests: 4, errors: 3 });
  });
});

describe('pings', () => {
  it('find a link over which nothing comes any more', async () => {
    await using lab = new AgentLab({ pingIntervalMs: 1000 });
    const link = new FakeLink();
    lab.add(link);
    const pong = (): void => {
      const { sequence = 0 } = link.of('ping').at(-1) ?? {};
      link.comes({ kind: 'pong', sequence, pingTimestampMs: 0, timestampMs: 0 });
    };
    await jest.advanceTimersByTimeAsync(1000);
    pong();
    await jest.advanceTimersByTimeAsync(2000);
    expect(lab.told.at(-1)).toBe('waf-1 healthy degraded a ping without an answer');
    pong();
    await jest.advanceTimersByTimeAsync(1000);
    expect(lab.told.at(-1)).toBe('waf-1 degraded healthy');
    await jest.advanceTimersByTimeAsync(3000);
    expect(link.closedWith).toMatchObject({ code: 'BERTH_CONNECTION_SILENT' });
    expect(lab.told.at(-1)).toBe('waf-1 disconnected BERTH_CONNECTION_SILENT');
  });

  it('say nothing of an agent that never answers them but answers questions', async () => {
    await using lab = new AgentLab({ pingIntervalMs: 1000, timeoutMs: 100 });
    const link = new FakeLink().allowAll();
    expect(await lab.add(link).ask().verdict).toBe('allow');
    await jest.advanceTimersByTimeAsync(60_000);
    expect([link.isClosed, link.of('ping').length > 50]).toEqual([false, true]);
    link.onSend = () => undefined;
    lab.ask();
    await jest.advanceTimersByTimeAsync(5000);
    expect(link.isClosed).toBe(true);
  });
});

describe('floods of what an agent says unasked', () => {
  it('are handed on in limits, and the rest is counted', async () => {
    await using lab = new AgentLab({ maxLogsPerSecond: 5 });
    const link = new FakeLink();
    lab.add(link);
    for (let i = 0; i < 1000; i += 1) {
      link.comes(METRICS);
      link.comes(logLine('x'.repeat(10_000)));
      link.comes(health({ state: i % 2 === 0 ? 'degraded' : 'healthy' }));
    }
    const count = (what: string): number => lab.told.filter((line) => line.startsWith(what)).length;
    expect([count('metrics'), count('log'), count('waf-1')]).toEqual([16, 5, 17]);
    expect(Math.max(...lab.told.map((line) => line.length))).toBeLessThan(1100);
    expect(lab.agent.figures().passedOver).toBe(1000 - 16 + 1000 - 5);
    await jest.advanceTimersByTimeAsync(1000);
    link.comes(logLine('again'));
    expect(lab.told.at(-1)).toBe('log warn again');
  });
});

describe("C18: an agent's wish for the configuration", () => {
  it('is answered, each', async () => {
    const asked: string[] = [];
    await using lab = new AgentLab(
      {},
      {
        configUpdate: ({ requestId, change }) => {
          asked.push(change.kind);
          if (requestId === '3') throw new Error('no such list');
          return requestId === '1' ? { accepted: true } : { accepted: false, error: 'not here' };
        },
      },
    );
    const link = new FakeLink();
    lab.add(link);
    for (const id of ['1', '2', '3']) link.comes(update(id));
    expect(link.of('configUpdateReply').map(({ requestId, accepted, error }) => [requestId, accepted, error])).toEqual([
      ['1', true, undefined],
      ['2', false, 'not here'],
      ['3', false, 'no such list'],
    ]);
    expect(asked).toEqual(['reload', 'reload', 'reload']);
  });

  it('is refused when there are too many, and not answered while the agent does not read', async () => {
    await using lab = new AgentLab();
    const link = new FakeLink();
    lab.add(link);
    for (let i = 0; i < 100; i += 1) link.comes(update(String(i)));
    expect(link.of('configUpdateReply').at(-1)).toMatchObject({ accepted: false, error: 'too many updates at once' });
    expect(link.sent).toHaveLength(100);
    link.takes = false;
    for (let i = 0; i < 100; i += 1) link.comes(update(String(i)));
    expect(link.sent).toHaveLength(101);
  });
});

describe('what is remembered of decisions', () => {
  it('are the last ones that say something', async () => {
    await using lab = new AgentLab({ rememberedDecisions: 3 });
    const link = new FakeLink(capabilitiesOf());
    lab.add(link);
    for (let i = 0; i < 5; i += 1) {
      const { id, talk } = lab.ask();
      const custom = { correlation_id: id };
      const silent = { tags: [], ruleIds: [], reasonCodes: [], custom };
      const loud = { ...silent, ruleIds: ['r'] };
      if (i === 4) link.answers(id, { audit: silent });
      else link.answers(id, { decision: { kind: 'block', status: 400 + i, headers: [] }, audit: loud });
      talk.cancel('manual');
    }
    const { decisions } = lab.agent.figures();
    expect(decisions.map(({ status }) => status)).toEqual([403, 402, 401]);
    expect(decisions[0]?.audit?.ruleIds).toEqual(['r']);
  });
});
