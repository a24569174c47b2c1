import { jest } from '@jest/globals';
import type { Settings } from 'node:http2';
import { type HeldBody, LARGE_WINDOW_BYTES, START_WINDOW_BYTES, UploadBudget, UploadWindow } from './upload-window.js';

const MIB = 1024 * 1024;

type Settled = (error: Error | null, settings: Settings, duration: number) => void;

class FakeSession {
  destroyed = false;
  pendingSettingsAck = false;
  readonly sizes: (number | undefined)[] = [];
  private settled: Settled | undefined;

  settings(settings: Settings, settled?: Settled): void {
    this.sizes.push(settings.initialWindowSize);
    this.settled = settled;
  }

  agree(): void {
    this.settled?.(null, {}, 0);
  }
}

describe('the windows of a connection', () => {
  let session: FakeSession;
  let budget: UploadBudget;
  let window: UploadWindow;
  let streams: HeldBody[];
  /** places of those that had to go */
  let ended: number[];
  beforeEach(() => {
    session = new FakeSession();
    budget = new UploadBudget();
    streams = [];
    ended = [];
    window = new UploadWindow(session, budget, streams, (stream) => ended.push(streams.indexOf(stream)));
    jest.useFakeTimers();
  });
  afterEach(() => {
    window.close();
    jest.useRealTimers();
  });

  it('grow with what is taken, and shrink when no body is left', () => {
    window.begin();
    window.received(MIB / 8);
    expect(session.sizes).toEqual([]);
    window.received(MIB / 8);
    window.received(MIB);
    expect(session.sizes).toEqual([LARGE_WINDOW_BYTES]);
    window.end();
    expect(session.sizes).toEqual([LARGE_WINDOW_BYTES, START_WINDOW_BYTES]);
    window.begin();
    window.received(MIB);
    // Not before the client has agreed to the last change.
    expect(session.sizes).toHaveLength(2);
    session.agree();
    window.received(MIB);
    expect(session.sizes).toHaveLength(3);
  });

  it('stay small where many bodies come at once', () => {
    for (let i = 0; i < 5; i += 1) window.begin();
    window.received(MIB);
    expect(session.sizes).toEqual([]);
  });

  /** Bodies on a connection whose client has not agreed to small windows yet. */
  const unsettled = (...held: number[]): void => {
    window.begin();
    window.received(MIB);
    streams.push(...held.map((readableLength) => ({ readableLength })));
    for (let i = 1; i < held.length; i += 1) window.begin();
    expect(session.sizes).toEqual([LARGE_WINDOW_BYTES, START_WINDOW_BYTES]);
  };

  it('shrink where many bodies come, all of which may go on while they hold little', () => {
    unsettled(...Array<number>(8).fill(LARGE_WINDOW_BYTES - START_WINDOW_BYTES), ...Array<number>(8).fill(65_535));
    jest.advanceTimersByTime(1000);
    expect(ended).toEqual([]);
  });

  it('have those go that hold more than a small window, until the client agrees', () => {
    unsettled(...Array<number>(8).fill(LARGE_WINDOW_BYTES), 1000, 65_536, LARGE_WINDOW_BYTES);
    jest.advanceTimersByTime(10);
    expect(ended).toEqual([9, 10]);
    session.agree();
    jest.advanceTimersByTime(1000);
    expect(ended).toHaveLength(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('grow for so many connections at once', () => {
    const others = Array.from({ length: 16 }, () => new UploadWindow(new FakeSession(), budget, [], () => undefined));
    for (const each of others) {
      each.begin();
      each.received(MIB);
    }
    window.begin();
    window.received(MIB);
    expect(session.sizes).toEqual([]);
    others[0]?.close();
    window.received(1);
    expect(session.sizes).toEqual([LARGE_WINDOW_BYTES]);
    others[1]?.close();
    others[1]?.close();
    expect([budget.take(), budget.take()]).toEqual([true, false]);
  });
});
