import { type LinkSignals, Signals } from './signals.js';
import { shareOf } from './shares.js';

class FakeLink implements LinkSignals {
  readonly said: string[] = [];
  constructor(
    readonly name = '',
    readonly takesMetrics = true,
    private readonly all: string[] = [],
  ) {}
  private say(what: string): void {
    this.said.push(what);
    this.all.push(`${this.name} ${what}`);
  }
  health(service: string, { healthy, message }: { healthy: boolean; message: string }): void {
    this.say(`${service} is ${healthy ? 'healthy' : `unhealthy: ${message}`}`);
  }
  pause(): void {
    this.say('pause');
  }
  resume(): void {
    this.say('resume');
  }
  capacity(maxExchanges: number): void {
    this.say(String(maxExchanges));
  }
  metrics(): void {
    this.say('metrics');
  }
  configAck(): void {
    this.say('ack');
  }
}

const AWAY = { healthy: false, message: 'away' };

describe('Signals', () => {
  it('a new connection is told what differs from a healthy agent, and nothing else', () => {
    const signals = new Signals(0, 100);
    const [first, second] = [new FakeLink(), new FakeLink()];
    signals.joined(first);
    expect(first.said).toEqual([]);
    signals.setHealth('web', AWAY);
    signals.setPaused(true);
    signals.joined(second);
    for (const { said } of [first, second]) expect(said).toEqual(['web is unhealthy: away', 'pause']);
  });

  it('every connection is told of a change, and one that has left of none', () => {
    const signals = new Signals(0, 100);
    const [first, second] = [new FakeLink(), new FakeLink()];
    signals.joined(first);
    signals.joined(second);
    signals.left(first);
    signals.setHealth('web', AWAY);
    signals.setHealth('web', { healthy: true, message: '' });
    expect([first.said, second.said]).toEqual([[], ['web is unhealthy: away', 'web is healthy']]);
  });

  it('each local service has a health of its own', () => {
    const signals = new Signals(0, 100);
    signals.setHealth('web', AWAY);
    signals.setHealth('api', AWAY);
    signals.setHealth('web', { healthy: true, message: '' });
    const link = new FakeLink();
    signals.joined(link);
    expect(link.said).toEqual(['api is unhealthy: away']);
  });

  it('pauses and resumes once, however often it is said', () => {
    const signals = new Signals(0, 100);
    const link = new FakeLink();
    signals.joined(link);
    for (const paused of [true, true, false, false]) signals.setPaused(paused);
    expect(link.said).toEqual(['pause', 'resume']);
  });

  it('shares what the agent takes evenly, and gives the last connection all of it', () => {
    const signals = new Signals(10, 100);
    const links = ['a', 'b', 'c', 'd'].map((name) => new FakeLink(name));
    for (const link of links) signals.joined(link);
    expect(links.map(({ said }) => said.at(-1))).toEqual(['3', '3', '2', '2']);
    for (const link of links.slice(0, 3)) signals.left(link);
    expect(links[3]?.said.at(-1)).toBe('10');
  });

  it('leaves a connection without any when there are more connections than exchanges', () => {
    const signals = new Signals(1, 100);
    const [first, second] = [new FakeLink(), new FakeLink()];
    signals.joined(first);
    signals.joined(second);
    expect([first.said, second.said]).toEqual([['1'], ['0']]);
    signals.left(first);
    expect(second.said).toEqual(['0', '1']);
  });

  it('gives no connection more than it takes by itself', () => {
    const signals = new Signals(100, 30);
    const link = new FakeLink();
    signals.joined(link);
    expect(link.said).toEqual(['30']);
  });

  it('tells those first that get less', () => {
    const all: string[] = [];
    const signals = new Signals(8, 100);
    for (const name of ['a', 'b']) signals.joined(new FakeLink(name, true, all));
    expect(all).toEqual(['a 8', 'a 4', 'b 4']);
  });

  it('a successor has what its predecessor had, and the others keep theirs', () => {
    const signals = new Signals(8, 100);
    const [first, other, next] = [new FakeLink(), new FakeLink(), new FakeLink()];
    signals.joined(first);
    signals.joined(other);
    signals.joined(next, first);
    expect([other.said, next.said]).toEqual([['4'], ['4']]);
  });

  it('finds a connection whose gateway takes figures', () => {
    const signals = new Signals(0, 100);
    expect(signals.metricsLink).toBeUndefined();
    signals.joined(new FakeLink('old', false));
    expect(signals.metricsLink).toBeUndefined();
    const link = new FakeLink('new');
    signals.joined(link);
    expect(signals.metricsLink).toBe(link);
  });
});

describe('shareOf', () => {
  it.each([
    [10, 4],
    [1, 3],
    [0, 2],
    [7, 1],
    [1_000_000, 64],
  ])('%i in %i parts: together all of it, and none greater than another by more than 1', (whole, parts) => {
    const shares = Array.from({ length: parts }, (_, i) => shareOf(whole, parts, i));
    expect(shares.reduce((a, b) => a + b)).toBe(whole);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  });
});
