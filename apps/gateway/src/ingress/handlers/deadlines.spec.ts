import { jest } from '@jest/globals';
import { stat } from 'node:fs';
import { eventually } from '@berth/testing';
import { Deadlines, UNWATCHED, type Watched } from './deadlines.js';

class Entry implements Watched {
  deadlineAt = 0;
  watchIndex = UNWATCHED;
  paceAt = Infinity;
  paces = 0;
  expiries = 0;
  constructor(private readonly onExpiry: () => void = () => undefined) {}
  expired(): void {
    this.expiries += 1;
    this.onExpiry();
  }
  paceDue(): void {
    this.paces += 1;
    this.paceAt = Infinity;
  }
}

describe('Deadlines', () => {
  it('tells an entry once, and forgets it', async () => {
    const deadlines = new Deadlines(5);
    const entry = new Entry();
    deadlines.watch(entry, 1);
    await eventually(() => entry.expiries === 1);
    expect([deadlines.size, entry.watchIndex]).toEqual([0, UNWATCHED]);
  });

  it('spares whoever made progress, and whoever is not watched any more', async () => {
    const deadlines = new Deadlines(5);
    const [busy, gone, late] = [new Entry(), new Entry(), new Entry()];
    for (const entry of [busy, gone, late]) deadlines.watch(entry, 1);
    busy.deadlineAt += 60_000;
    deadlines.unwatch(gone);
    deadlines.unwatch(gone);
    await eventually(() => late.expiries === 1);
    expect([busy.expiries, gone.expiries, deadlines.size]).toEqual([0, 0, 1]);
    deadlines.unwatch(busy);
  });

  it('an entry that expires may end others', async () => {
    const deadlines = new Deadlines(5);
    const second = new Entry();
    const first = new Entry(() => {
      deadlines.unwatch(second);
    });
    deadlines.watch(first, 1);
    deadlines.watch(second, 1);
    await eventually(() => first.expiries === 1);
    expect([second.expiries, deadlines.size]).toEqual([0, 0]);
  });

  it('counts from now after a time in which nobody was watched', async () => {
    const deadlines = new Deadlines(5);
    const first = new Entry();
    deadlines.watch(first, 1);
    await eventually(() => first.expiries === 1);
    const quietSince = deadlines.now;
    await eventually(() => performance.now() > quietSince + 60);
    const second = new Entry();
    deadlines.watch(second, 50);
    expect(second.deadlineAt).toBeGreaterThan(quietSince + 100);
    deadlines.unwatch(second);
  });

  it('asks for the pace when that is due, and goes on watching', async () => {
    const deadlines = new Deadlines(5);
    const entry = new Entry();
    deadlines.watch(entry, 60_000);
    entry.paceAt = deadlines.now + 1;
    await eventually(() => entry.paces === 1);
    expect([entry.expiries, deadlines.size]).toEqual([0, 1]);
    deadlines.unwatch(entry);
  });

  it('is never early, though it looks at the clock only now and then', async () => {
    const deadlines = new Deadlines(40);
    const [first, second] = [new Entry(), new Entry()];
    deadlines.watch(first, 1000);
    const watchedAt = deadlines.now;
    await eventually(() => deadlines.now > watchedAt);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const from = performance.now();
    let over = 0;
    second.expired = () => (over = performance.now());
    deadlines.watch(second, 50);
    await eventually(() => over > 0);
    expect(over - from).toBeGreaterThanOrEqual(50);
    deadlines.unwatch(first);
  });

  it('a pause of the process excuses everybody once, for one tick', () => {
    jest.useFakeTimers();
    try {
      const deadlines = new Deadlines(100);
      const entry = new Entry();
      deadlines.watch(entry, 100);
      const now = performance.now.bind(performance);
      let pausedMs = 1000;
      const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + pausedMs);
      jest.advanceTimersByTime(199);
      expect(entry.expiries).toBe(0);
      pausedMs += 1000;
      jest.advanceTimersByTime(2);
      expect(entry.expiries).toBe(1);
      clock.mockRestore();
    } finally {
      jest.useRealTimers();
    }
  });

  it('reads what came while the process did not run before it judges anyone', async () => {
    const deadlines = new Deadlines(5);
    const entry = new Entry();
    deadlines.watch(entry, 20);
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        stat('.', () => {
          entry.deadlineAt = deadlines.now + 60_000;
          resolve();
        });
        const blockedUntil = performance.now() + 100;
        while (performance.now() < blockedUntil);
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([entry.expiries, deadlines.size]).toEqual([0, 1]);
    deadlines.unwatch(entry);
  });
});
