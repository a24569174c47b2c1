import fc from 'fast-check';
import { credit, data, end, head, LoneSession, open, WINDOW_BYTES } from '../testing/lone-session.js';
import { ReceiveWindow, type WindowSettings } from './credit-window.js';
import { WindowBudget } from './window-budget.js';

const START = 65_536;
const MAX = 4_194_304;
const RTT_MS = 100;

/**
 * A sender that uses every byte it is granted, one round trip later.
 *
 * @param rounds round trips
 * @param takes bytes that the consumer takes of what it holds, and after how long, ms
 */
const at = (now: number, rttMs = RTT_MS): { now: () => number; rttMs: number } => ({ now: () => now, rttMs });

function transfer(
  window: ReceiveWindow,
  rounds: number,
  takes: (held: number) => { bytes: number; afterMs: number },
): void {
  let clock = 0;
  let granted = window.size;
  for (let round = 0; round < rounds; round += 1) {
    clock += RTT_MS;
    let toSend = granted;
    granted = 0;
    while (toSend > 0) {
      const piece = Math.min(toSend, 32_768);
      expect(window.receive(piece, at(clock))).toBe(true);
      toSend -= piece;
      const { bytes, afterMs } = takes(window.heldBytes);
      clock += afterMs;
      granted += window.consume(bytes, at(clock, RTT_MS));
    }
  }
}

/** A window of an owner that is alone. */
function windowOf(settings: WindowSettings): ReceiveWindow {
  return new ReceiveWindow(settings, settings.budget.join('a'));
}

describe('ReceiveWindow', () => {
  const settings = (limit = 100_000_000): { startBytes: number; maxBytes: number; budget: WindowBudget } => ({
    startBytes: START,
    maxBytes: MAX,
    budget: new WindowBudget(limit),
  });

  it('grows towards its maximum while a fast consumer waits for a long line', () => {
    const its = settings();
    const window = windowOf(its);
    transfer(window, 12, (held) => ({ bytes: held, afterMs: 0 }));
    expect(window.size).toBe(MAX);
    expect(its.budget.used).toBe(MAX - START);
  });

  it('stays small for a consumer that is slower than the line', () => {
    const its = settings();
    const window = windowOf(its);
    transfer(window, 30, (held) => ({ bytes: held, afterMs: 2 * RTT_MS }));
    expect(window.size).toBe(START);
    expect(its.budget.used).toBe(0);
  });

  /** A sender at hand, and a consumer that has bytes lying whenever it takes some, however long the line is said to be. */
  const outrun = (window: ReceiveWindow): void => {
    let clock = 1e6;
    let allowance = window.size - window.heldBytes;
    for (let i = 0; i < 3000; i += 1) {
      window.receive(allowance, at(clock));
      clock += 0.1;
      allowance = window.consume(10_000, at(clock));
    }
  };

  it('stays small for a consumer that never waits, whatever the round trip', () => {
    const its = settings();
    const window = windowOf(its);
    outrun(window);
    expect([window.size, its.budget.used]).toEqual([START, 0]);
  });

  it('shrinks back when its consumer does not wait any more', () => {
    const its = settings();
    const window = windowOf(its);
    transfer(window, 12, (held) => ({ bytes: held, afterMs: 0 }));
    expect(window.size).toBe(MAX);
    outrun(window);
    expect([window.size, its.budget.used]).toEqual([START, 0]);
  });

  it('keeps its size for one burst that is faster than its consumer', () => {
    const window = windowOf(settings());
    transfer(window, 12, (held) => ({ bytes: held, afterMs: 0 }));
    for (let clock = 13 * RTT_MS; clock < 23 * RTT_MS; clock += RTT_MS) {
      // It arrives at once, and nothing follows within a round trip.
      window.receive(MAX, at(clock));
      let granted = 0;
      for (let taken = 0; taken < MAX; taken += 65_536) granted += window.consume(65_536, at(clock));
      expect(granted).toBe(MAX);
    }
  });

  it('stays small on a short line', () => {
    const window = windowOf(settings());
    let clock = 0;
    for (let i = 0; i < 1000; i += 1) {
      window.receive(START / 2, at(clock));
      clock += 1;
      window.consume(START / 2, at(clock, 0.2));
    }
    expect(window.size).toBe(START);
  });

  it('stops growing when the budget of the process is spent, and goes on working', () => {
    const its = settings(9 * START);
    const one = windowOf(its);
    const other = windowOf(its);
    transfer(one, 10, (held) => ({ bytes: held, afterMs: 0 }));
    transfer(other, 10, (held) => ({ bytes: held, afterMs: 0 }));
    // A third of it, and a third of what that left: see window-budget.ts.
    expect([one.size, other.size]).toEqual([4 * START, 2 * START]);
    transfer(one, 10, (held) => ({ bytes: held, afterMs: 0 }));
    // Its part is smaller now that somebody else has one.
    expect(one.size).toBeLessThan(4 * START);
    one.close();
    other.close();
    expect(its.budget.used).toBe(0);
  });

  it('shrinks back when its consumer has become slow', () => {
    const its = settings();
    const window = windowOf(its);
    transfer(window, 12, (held) => ({ bytes: held, afterMs: 0 }));
    let clock = 1e6;
    for (let i = 0; i < 200; i += 1) {
      window.receive(16_384, at(clock));
      clock += 2000;
      window.consume(16_384, at(clock, RTT_MS));
    }
    transferSlowly(window, clock);
    expect(window.size).toBe(START);
    expect(its.budget.used).toBe(0);
  });

  it.each([
    ['that grew', 12, 262_144],
    ['that was large from the start', 0, MAX],
  ])('of a window %s, 128 KiB taken in a second are seen at the other end', (_which, rounds, startBytes) => {
    const its = { startBytes, maxBytes: MAX, budget: new WindowBudget(100_000_000) };
    const window = windowOf(its);
    transfer(window, rounds, (held) => ({ bytes: held, afterMs: 0 }));
    expect(window.size).toBe(MAX);
    window.receive(524_288, at(100_000));
    // A first grant, so that the second counts from here.
    while (window.consume(16_384, at(102_000)) === 0);
    const granted = Array.from({ length: 8 }, (_, i) => window.consume(16_384, at(102_000 + (i + 1) * 200)));
    expect(granted.slice(0, 7).every((bytes) => bytes === 0)).toBe(true);
    expect(granted[7]).toBeGreaterThanOrEqual(65_536);
    expect(granted[7]).toBeLessThanOrEqual(131_072);
  });

  it('shows behind the end of a body that it is still being taken', () => {
    const window = windowOf(settings());
    window.receive(START, at(0));
    window.close();
    expect(window.consume(START / 2, at(5000))).toBe(0);
    const large = windowOf({ ...settings(), startBytes: MAX });
    large.receive(524_288, at(0));
    large.close();
    expect([large.consume(131_072, at(500)), large.consume(1, at(1001))]).toEqual([0, 131_073]);
    expect(large.consume(131_072, at(1500))).toBe(0);
  });

  it('keeps what a consumer still holds on the budget until it is consumed', () => {
    const its = settings();
    const window = windowOf(its);
    transfer(window, 12, (held) => ({ bytes: held, afterMs: 0 }));
    window.receive(1000, at(0));
    window.close();
    expect(its.budget.used).toBe(MAX - START);
    expect(window.consume(1000, at(0, RTT_MS))).toBe(0);
    expect(its.budget.used).toBe(0);
    window.release();
    expect(its.budget.used).toBe(0);
  });

  it('takes growth back that the sender does not use, and nothing else', () => {
    const its = settings();
    const window = windowOf(its);
    expect(window.returned(1)).toBe(false);
    transfer(window, 12, (held) => ({ bytes: held, afterMs: 0 }));
    expect(window.receive(1000, at(0))).toBe(true);
    // The sender has all but these 1000; the start window it keeps.
    expect(window.returned(MAX - START + 1)).toBe(false);
    expect(window.returned(MAX - START - 1000)).toBe(true);
    expect([window.size, its.budget.used]).toEqual([START + 1000, 1000]);
    expect(window.receive(START + 1, at(0))).toBe(false);
  });

  it('never owes a sender credit that no byte could bring', () => {
    const step = fc.record({ send: fc.nat(50_000), take: fc.nat(60_000), ms: fc.nat(3000) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50_000 }), fc.array(step, { maxLength: 200 }), (startBytes, steps) => {
        const budget = new WindowBudget(500_000);
        const window = windowOf({ startBytes, maxBytes: 400_000, budget });
        let allowance = startBytes;
        let clock = 0;
        for (const { send, take, ms } of steps) {
          clock += ms;
          const sent = Math.min(send, allowance);
          allowance -= sent;
          expect(window.receive(sent, at(clock))).toBe(true);
          const taken = Math.min(take, window.heldBytes);
          allowance += window.consume(taken, at(clock, 50));
          expect(allowance + window.heldBytes).toBeLessThanOrEqual(window.size + 400_000);
          // A sender without credit waits for a consumer that has something, or not at all.
          if (window.heldBytes === 0) expect(allowance).toBeGreaterThan(0);
          expect(budget.used).toBe(window.size - startBytes);
        }
        expect(window.receive(allowance + 1, at(clock))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

function transferSlowly(window: ReceiveWindow, from: number): void {
  let clock = from;
  for (let i = 0; i < 2000 && window.size > START; i += 1) {
    window.receive(16_384, at(clock));
    clock += 2000;
    window.consume(16_384, at(clock, RTT_MS));
  }
}

describe('credit of an exchange', () => {
  /** An agent whose exchange 1 has a window that grew. */
  function grown(): LoneSession {
    const lone = new LoneSession('agent');
    lone.session.observeRtt(RTT_MS);
    lone.receive(open(1, true));
    for (let i = 0; i < 4; i += 1) {
      lone.receive(data(1, WINDOW_BYTES / 2));
      lone.sinks[0]?.exchange?.consumed(WINDOW_BYTES / 2);
    }
    expect(lone.budget.used).toBeGreaterThan(0);
    return lone;
  }

  it.each([
    ['the peer resets it', (lone: LoneSession) => lone.receive({ exchange: 1, kind: 'reset', code: 1, message: '' })],
    ['this side resets it', (lone: LoneSession) => lone.sinks[0]?.exchange?.reset(9)],
    ['the session closes', (lone: LoneSession) => lone.session.close()],
    [
      'the body has ended and is consumed',
      (lone: LoneSession) => {
        lone.receive(end(1));
        lone.sinks[0]?.exchange?.consumed(9);
      },
    ],
  ])('gives back what its window took when %s', (_name, finish) => {
    const lone = grown();
    lone.receive(data(1, 9));
    finish(lone);
    expect(lone.budget.used).toBe(0);
  });

  it('is not granted for a body that has ended', () => {
    const lone = new LoneSession('gateway');
    const exchange = lone.open({ kind: 1, body: true });
    lone.receive(head(1, 101), data(1, 32_768), data(1, 32_768), end(1), credit(1, 5));
    exchange.consumed(65_536);
    lone.session.close();
    expect(lone.sentKinds).not.toContain('credit 1');
  });
});
