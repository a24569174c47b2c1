import { jest } from '@jest/globals';
import { LoneSession } from '../testing/lone-session.js';
import { turn } from '../testing/wire.js';
import { Liveness } from './liveness.js';

const SETTINGS = { intervalMs: 10_000, timeoutMs: 4000 };

function start(): { lone: LoneSession; liveness: Liveness; pings: () => number } {
  const lone = new LoneSession('gateway');
  const liveness = new Liveness(lone.session, SETTINGS, () => Date.now());
  liveness.start();
  return { lone, liveness, pings: () => lone.sent.filter(({ kind }) => kind === 'connection').length };
}

describe('Liveness', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('pings at once, and again an interval after each Pong', () => {
    const { lone, liveness, pings } = start();
    jest.advanceTimersByTime(30);
    expect(pings()).toBe(1);
    liveness.pong(1);
    expect(lone.session.rttMs).toBe(30);
    jest.advanceTimersByTime(SETTINGS.intervalMs - 1);
    expect(pings()).toBe(1);
    jest.advanceTimersByTime(2);
    expect(pings()).toBe(2);
    liveness.pong(2);
    expect(lone.closed).toEqual([]);
  });

  it('closes a connection whose Pong is late, once', () => {
    const { lone } = start();
    jest.advanceTimersByTime(SETTINGS.timeoutMs - 1);
    expect(lone.closed).toEqual([]);
    jest.advanceTimersByTime(100_000);
    expect(lone.closed.map((error) => error?.code)).toEqual(['BERTH_CONNECTION_SILENT']);
  });

  it('takes a Pong that was there when a long turn of the event loop ended behind the deadline', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const { lone, liveness } = start();
    // Timers run before what has arrived is read, immediates after it.
    jest.advanceTimersByTime(SETTINGS.timeoutMs * 2);
    liveness.pong(1);
    await turn();
    expect(lone.closed).toEqual([]);
    jest.advanceTimersByTime(SETTINGS.intervalMs + SETTINGS.timeoutMs);
    await turn();
    expect(lone.closed.length).toBe(1);
  });

  it('says that a Pong is late at half of its time, and when it has come after all', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const lone = new LoneSession('gateway');
    const said: boolean[] = [];
    const liveness = new Liveness(
      lone.session,
      SETTINGS,
      () => Date.now(),
      (late) => said.push(late),
    );
    liveness.start();
    jest.advanceTimersByTime(SETTINGS.timeoutMs / 2);
    await turn();
    expect(said).toEqual([true]);
    liveness.pong(1);
    expect(said).toEqual([true, false]);
    jest.advanceTimersByTime(SETTINGS.intervalMs);
    liveness.pong(2);
    expect(said).toEqual([true, false]);
    expect(lone.closed).toEqual([]);
  });

  it('is not impressed by the Pong of another Ping', () => {
    const { lone, liveness } = start();
    liveness.pong(0);
    liveness.pong(2);
    jest.advanceTimersByTime(SETTINGS.timeoutMs + 1);
    expect(lone.closed.length).toBe(1);
  });

  it('cannot be put off by repeating a Pong', () => {
    const { lone, liveness, pings } = start();
    for (let i = 0; i < 10; i += 1) {
      liveness.pong(1);
      jest.advanceTimersByTime(SETTINGS.intervalMs / 5);
    }
    expect(pings()).toBe(2);
    jest.advanceTimersByTime(SETTINGS.timeoutMs + 1);
    expect(lone.closed.length).toBe(1);
  });

  it('leaves no timer behind when it stops', () => {
    const { lone, liveness } = start();
    liveness.stop();
    liveness.pong(1);
    jest.advanceTimersByTime(0);
    expect(jest.getTimerCount()).toBe(0);
    expect(lone.closed).toEqual([]);
  });
});
