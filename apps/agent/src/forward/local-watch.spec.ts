import { jest } from '@jest/globals';
import { silentLog } from '@berth/observability';
import { type LocalHealth, LocalWatch, type LocalWatchOptions } from './local-watch.js';

const REFUSED = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:3000'), { code: 'ECONNREFUSED' });
const GONE = Object.assign(new Error('connect ENOENT /run/x'), { code: 'ENOENT' });
const LATE = Object.assign(new Error('no connection in time'), { code: 'UND_ERR_CONNECT_TIMEOUT' });
const NO_DESCRIPTORS = Object.assign(new Error('too many open files'), { code: 'EMFILE' });
const AWAY = 'the local service cannot be reached: it refuses connections';

describe('LocalWatch', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  class Story implements Disposable {
    /** what the next checks find */
    error: Error | undefined;
    checks = 0;
    readonly figures = { answered: 0 };
    readonly told: LocalHealth[] = [];
    readonly logged: [string, object, string][] = [];
    readonly watch: LocalWatch;

    constructor(options: Partial<LocalWatchOptions> = {}) {
      const note =
        (level: string) =>
        (fields: object, message: string): void => {
          this.logged.push([level, fields, message]);
        };
      this.watch = new LocalWatch({
        service: 'default',
        target: 'http://127.0.0.1:3000',
        checkIntervalMs: 10_000,
        probe: () => {
          this.checks += 1;
          return Promise.resolve(this.error);
        },
        figures: this.figures,
        log: { ...silentLog, info: note('info'), warn: note('warn') } as typeof silentLog,
        changed: (health) => this.told.push(health),
        ...options,
      });
    }

    /** as begun, with the first finding made */
    async started(): Promise<this> {
      this.watch.start();
      await jest.advanceTimersByTimeAsync(0);
      return this;
    }

    [Symbol.dispose](): void {
      this.watch.stop();
    }
  }

  it('says nothing of a service that is there, and looks again after each interval', async () => {
    using story = new Story();
    expect(story.watch.isUp).toBeUndefined();
    await story.started();
    expect([story.checks, story.watch.isUp]).toEqual([1, true]);
    await jest.advanceTimersByTimeAsync(20_000);
    expect(story.checks).toBe(3);
    const up = { event: 'local_service_up', service: 'default', target: 'http://127.0.0.1:3000' };
    expect([story.told, story.logged]).toEqual([[], [['info', up, expect.any(String)]]]);
    expect(story.watch.health).toEqual({ healthy: true, message: '' });
  });

  it('a service that is away from the start is logged once, looked for ever more slowly, and back soon', async () => {
    using story = new Story();
    story.error = REFUSED;
    await story.started();
    expect([story.told, story.watch.isUp]).toEqual([[{ healthy: false, message: AWAY }], false]);
    // After 250, 500, 1000 and then each 2000 ms.
    await jest.advanceTimersByTimeAsync(1750);
    expect(story.checks).toBe(4);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(story.checks).toBe(34);
    expect(story.told).toHaveLength(1);
    story.error = undefined;
    await jest.advanceTimersByTimeAsync(2000);
    expect(story.told[1]).toEqual({ healthy: true, message: '' });
    const of = { service: 'default', target: 'http://127.0.0.1:3000' };
    expect(story.logged).toEqual([
      ['warn', { ...of, event: 'local_service_down', reason: 'it refuses connections' }, expect.any(String)],
      ['info', { ...of, event: 'local_service_up', awayMs: 63_750 }, expect.any(String)],
    ]);
  });

  it('begins with short waits again when it is away a second time', async () => {
    using story = new Story();
    story.error = REFUSED;
    await story.started();
    await jest.advanceTimersByTimeAsync(10_000);
    story.error = undefined;
    await jest.advanceTimersByTimeAsync(2000);
    story.error = REFUSED;
    await jest.advanceTimersByTimeAsync(10_000);
    story.error = undefined;
    const { checks } = story;
    await jest.advanceTimersByTimeAsync(500);
    expect(story.checks).toBeGreaterThan(checks);
    expect(story.told.map(({ healthy }) => healthy)).toEqual([false, true, false, true]);
  });

  it('an answer within an interval saves a check, but not the next one', async () => {
    using story = await new Story().started();
    story.figures.answered += 1;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(story.checks).toBe(1);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(story.checks).toBe(2);
  });

  it('looks at once when an exchange could not reach it, however many could not', async () => {
    using story = await new Story().started();
    await jest.advanceTimersByTimeAsync(5000);
    story.error = REFUSED;
    for (let i = 0; i < 1000; i += 1) story.watch.suspect();
    await jest.advanceTimersByTimeAsync(0);
    expect(story.told).toEqual([{ healthy: false, message: AWAY }]);
    for (let i = 0; i < 1000; i += 1) story.watch.suspect();
    await jest.advanceTimersByTimeAsync(0);
    expect(story.checks).toBe(2);
  });

  it('one that takes connections, and fails exchanges all the same, is not looked at more often than each 250 ms', async () => {
    using story = await new Story().started();
    for (let ms = 0; ms < 1000; ms += 10) {
      story.watch.suspect();
      await jest.advanceTimersByTimeAsync(10);
    }
    expect(story.checks).toBeGreaterThan(2);
    expect(story.checks).toBeLessThanOrEqual(5);
  });

  it('tells another reason, and does not log it as another loss', async () => {
    using story = new Story();
    story.error = REFUSED;
    await story.started();
    story.error = GONE;
    await jest.advanceTimersByTimeAsync(2000);
    expect(story.told.map(({ message }) => message)).toEqual([AWAY, expect.stringContaining('does not exist')]);
    expect(story.logged).toHaveLength(1);
  });

  it('has no address in what it tells', async () => {
    using story = new Story();
    story.error = Object.assign(new Error('connect EPERM 10.1.2.3:80'), { code: 'EPERM' });
    await story.started();
    expect(story.watch.health.message).toBe('the local service cannot be reached: connecting to it fails (EPERM)');
  });

  it('takes a want of descriptors for its own fault', async () => {
    using story = new Story();
    story.error = NO_DESCRIPTORS;
    await story.started();
    expect(story.watch.health.healthy).toBe(true);
  });

  it('takes a service that answers others for busy, not for away', async () => {
    const { promise, resolve } = Promise.withResolvers<Error>();
    using story = new Story({ probe: () => promise });
    story.watch.start();
    story.figures.answered += 1;
    resolve(LATE);
    await jest.advanceTimersByTimeAsync(0);
    expect(story.watch.health.healthy).toBe(true);
  });

  it('takes one that answers nobody, and no connection in time, for away', async () => {
    using story = new Story();
    story.error = LATE;
    await story.started();
    expect(story.watch.health.message).toContain('local.connectTimeoutMs');
  });

  it('with an interval of 0 it never looks', async () => {
    using story = await new Story({ checkIntervalMs: 0 }).started();
    story.watch.suspect();
    await jest.advanceTimersByTimeAsync(60_000);
    expect([story.checks, story.watch.isUp]).toEqual([0, undefined]);
  });

  it('does nothing more when it is stopped, also in the middle of a check', async () => {
    const { promise, resolve } = Promise.withResolvers<Error>();
    using story = new Story({ probe: () => promise });
    story.watch.start();
    story.watch.stop();
    resolve(REFUSED);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(story.told).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
