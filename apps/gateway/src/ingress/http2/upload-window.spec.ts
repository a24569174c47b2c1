import type { Settings } from 'node:http2';
import { LARGE_WINDOW_BYTES, START_WINDOW_BYTES, UploadBudget, UploadWindow } from './upload-window.js';

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
  beforeEach(() => {
    session = new FakeSession();
    budget = new UploadBudget();
    window = new UploadWindow(session, budget);
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

  it('shrink where many bodies come, and those that come before the client agrees are refused', () => {
    window.begin();
    window.received(MIB);
    const taken = Array.from({ length: 12 }, () => window.begin());
    expect(taken).toEqual([...Array<boolean>(7).fill(true), ...Array<boolean>(5).fill(false)]);
    expect(session.sizes).toEqual([LARGE_WINDOW_BYTES, START_WINDOW_BYTES]);
    session.agree();
    expect(window.begin()).toBe(true);
  });

  it('grow for so many connections at once', () => {
    const others = Array.from({ length: 16 }, () => new UploadWindow(new FakeSession(), budget));
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
