import { jest } from '@jest/globals';
import { AgentLab } from '../../testing/agent-lab.js';
import { FakeLink } from '../../testing/fake-link.js';
import { Breaker } from './breaker.js';

function make(failures = 3, openMs = 1000) {
  const clock = { now: 0 };
  const changes: string[] = [];
  const breaker = new Breaker(
    { failures, openMs },
    (state) => changes.push(state),
    () => clock.now,
  );
  return { breaker, clock, changes };
}

describe('the breaker of an agent', () => {
  it('opens after failures in a row, lets one question through, and closes when that is answered', () => {
    const { breaker, clock, changes } = make();
    breaker.failed();
    breaker.failed();
    expect(breaker.admits()).toBe(true);
    breaker.failed();
    expect([breaker.admits(), breaker.opened]).toEqual([false, 1]);
    clock.now = 999;
    expect(breaker.admits()).toBe(false);
    clock.now = 1000;
    expect([breaker.admits(), breaker.admits()]).toEqual([true, false]);
    breaker.succeeded(clock.now);
    expect([breaker.admits(), breaker.admits()]).toEqual([true, true]);
    expect(changes).toEqual(['open', 'halfOpen', 'closed']);
  });

  it('opens again when that one fails as well, and takes another when it said nothing', () => {
    const { breaker, clock, changes } = make(1);
    breaker.failed();
    clock.now = 1000;
    expect(breaker.admits()).toBe(true);
    breaker.failed();
    clock.now = 1999;
    expect(breaker.admits()).toBe(false);
    clock.now = 2000;
    expect(breaker.admits()).toBe(true);
    breaker.released();
    expect(breaker.admits()).toBe(true);
    expect(changes).toEqual(['open', 'halfOpen', 'open', 'halfOpen']);
  });

  it('opens when half of what was answered lately was of no use, however it is mixed', () => {
    const { breaker, clock } = make(5);
    for (let i = 0; i < 4; i += 1) breaker.succeeded(clock.now);
    // Answered together, and only then found to be of no use.
    for (let i = 0; i < 20; i += 1) breaker.succeeded(clock.now);
    for (let i = 0; i < 20; i += 1) breaker.failed();
    expect(breaker.state).toBe('open');
  });

  it('stays closed while failures are few among many, or old', () => {
    const { breaker, clock } = make(5);
    for (let i = 0; i < 100; i += 1) {
      breaker.succeeded(clock.now);
      breaker.succeeded(clock.now);
      breaker.failed();
    }
    // What failed a minute ago is not among what was asked lately.
    for (let minute = 1; minute < 20; minute += 1) {
      clock.now = minute * 60_000;
      breaker.succeeded(clock.now);
      breaker.failed();
    }
    expect(breaker.state).toBe('closed');
  });

  it('never opens with 0, and begins anew when it is closed', () => {
    const { breaker } = make(0);
    for (let i = 0; i < 100; i += 1) breaker.failed();
    expect(breaker.admits()).toBe(true);
    const { breaker: other, changes } = make(1);
    other.failed();
    other.close();
    expect([other.admits(), other.admits()]).toEqual([true, true]);
    expect(changes).toEqual(['open', 'closed']);
  });
});

describe('an agent that does not answer', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('is left alone for a while, and tried with one question then', async () => {
    await using lab = new AgentLab({ timeoutMs: 100, breaker: { failures: 2, openMs: 5000 } });
    const links = [new FakeLink(), new FakeLink(), new FakeLink(), new FakeLink()];
    lab.add(...links);
    const sent = (): number => links.reduce((sum, link) => sum + link.of('requestHeaders').length, 0);
    const verdicts = [lab.ask(), lab.ask()].map(({ verdict }) => verdict);
    await jest.advanceTimersByTimeAsync(101);
    expect(await Promise.all(verdicts)).toEqual(
      verdicts.map(() => 'policy agent waf did not answer in time (timeoutMs)'),
    );
    const open = 'policy agent waf failed too often and is not asked for a while (breaker)';
    expect(await lab.ask().verdict).toBe(open);
    expect([sent(), lab.agent.figures().breaker]).toEqual([2, 'open']);
    await jest.advanceTimersByTimeAsync(5000);
    for (const link of links) link.allowAll();
    const probe = lab.ask();
    expect(await probe.verdict).toBe('allow');
    expect(await lab.ask().verdict).toBe('allow');
    expect(lab.told.filter((line) => line.startsWith('breaker'))).toEqual([
      'breaker open',
      'breaker halfOpen',
      'breaker closed',
    ]);
  });

  it('is tried when the breaker says so, although all of its connections have failed', async () => {
    await using lab = new AgentLab({ timeoutMs: 100, breaker: { failures: 6, openMs: 1000 } });
    const links = [new FakeLink(), new FakeLink()];
    lab.add(...links);
    const verdicts = Array.from({ length: 6 }, () => lab.ask().verdict);
    await jest.advanceTimersByTimeAsync(101);
    await Promise.all(verdicts);
    expect(lab.agent.figures().breaker).toBe('open');
    for (const link of links) link.allowAll();
    // The connections are looked at once a second.
    await jest.advanceTimersByTimeAsync(2000);
    expect(await lab.ask().verdict).toBe('allow');
    expect(lab.agent.figures().breaker).toBe('closed');
  });

  it('is not kept from being tried by a client that leaves while it is', async () => {
    await using lab = new AgentLab({ timeoutMs: 100, breaker: { failures: 1, openMs: 1000 } });
    const link = new FakeLink();
    const first = lab.add(link).ask();
    await jest.advanceTimersByTimeAsync(101);
    expect(await first.verdict).toContain('did not answer in time');
    await jest.advanceTimersByTimeAsync(1000);
    lab.ask().talk.cancel('clientDisconnect');
    link.allowAll();
    expect(await lab.ask().verdict).toBe('allow');
  });

  it('and one whose answers are of no use are the same', async () => {
    await using lab = new AgentLab({ failMode: 'open', breaker: { failures: 3, openMs: 1000 } });
    const links = [new FakeLink().allowAll(), new FakeLink().allowAll()];
    lab.add(...links);
    for (let i = 0; i < 3; i += 1) {
      const { talk, verdict } = lab.ask();
      expect(talk.failsOpen).toBe(true);
      await verdict;
      talk.misjudged('a status that HTTP does not have');
    }
    expect(await lab.ask().verdict).toBe('skipped');
    expect(lab.agent.figures()).toMatchObject({ errors: 3, rejections: { invalid: 3, breaker: 1 }, breakerOpened: 1 });
    expect(lab.judged.filter(({ reason }) => reason === 'invalid')).toHaveLength(3);
  });
});
