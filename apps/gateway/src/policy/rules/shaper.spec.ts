import { jest } from '@jest/globals';
import { type Flow, Shaper } from './shaper.js';

/** Always has something, or so much; writes down what passed, and when. */
class FakeFlow implements Flow {
  readonly passed: { at: number; bytes: number }[] = [];

  /** @param chunk most bytes that it passes at once */
  constructor(
    public left = Infinity,
    private readonly chunk = Infinity,
    private readonly then: (flow: FakeFlow) => void = () => undefined,
  ) {}

  pass(most: number): number {
    const bytes = Math.min(most, this.left, this.chunk);
    if (bytes === 0) return 0;
    this.left -= bytes;
    this.passed.push({ at: performance.now(), bytes });
    this.then(this);
    return bytes;
  }

  get total(): number {
    return this.passed.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Most bytes within any window of so many ms. */
  mostWithin(ms: number): number {
    let most = 0;
    let within = 0;
    let first = 0;
    for (const { at, bytes } of this.passed) {
      within += bytes;
      for (; (this.passed[first]?.at ?? at) <= at - ms; first += 1) within -= this.passed[first]?.bytes ?? 0;
      most = Math.max(most, within);
    }
    return most;
  }
}

describe('a shaper', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each([1000, 64_000, 1_000_000, 30_000_000])(
    'lets %d bytes a second pass on average, and in no 100 ms twice as many',
    (rate) => {
      const flow = new FakeFlow();
      const shaper = new Shaper(rate);
      shaper.add(flow);
      jest.advanceTimersByTime(10_000);
      expect(flow.total).toBeGreaterThanOrEqual(0.95 * rate * 10);
      // What there is at the start counts for one time.
      expect(flow.total).toBeLessThanOrEqual(rate * 10.05);
      expect(flow.mostWithin(100)).toBeLessThanOrEqual(0.15 * rate);
    },
  );

  it('owes nothing for a pause: what comes after it has no burst either', () => {
    const shaper = new Shaper(100_000);
    shaper.add(new FakeFlow(50_000));
    jest.advanceTimersByTime(60_000);
    const later = new FakeFlow();
    shaper.add(later);
    jest.advanceTimersByTime(1000);
    expect(later.mostWithin(100)).toBeLessThanOrEqual(15_000);
    expect(later.total).toBeLessThanOrEqual(105_000);
  });

  it('keeps to its rate when its clock is late', () => {
    let now = 0;
    const shaper = new Shaper(100_000, () => now);
    const flow = new FakeFlow();
    shaper.add(flow);
    for (let i = 0; i < 100; i += 1) {
      now += 45;
      jest.advanceTimersByTime(20);
    }
    expect(flow.total).toBeGreaterThan(0.95 * 450_000);
    expect(flow.total).toBeLessThanOrEqual(455_000);
  });

  it.each([10, 20_000, 1_000_000, 5_000_000])('of %d bytes a second gives each flow the same part', (rate) => {
    const shaper = new Shaper(rate);
    const flows = [new FakeFlow(), new FakeFlow(Infinity, 700), new FakeFlow()];
    for (const flow of flows) shaper.add(flow);
    jest.advanceTimersByTime(10_000);
    const totals = flows.map(({ total }) => total);
    // Turns that have not come, and bytes that were there at the start.
    for (const total of totals) expect(Math.abs(total - (rate * 10) / 3)).toBeLessThan(17_000 + rate * 0.05);
  });

  it('does not let one flow wait long for another, however slow it is', () => {
    const shaper = new Shaper(10_000);
    const flows = [new FakeFlow(), new FakeFlow()];
    for (const flow of flows) shaper.add(flow);
    jest.advanceTimersByTime(200);
    for (const { total } of flows) expect(total).toBeGreaterThan(900);
  });

  it('has a flow wait for nobody while there is room', () => {
    const shaper = new Shaper(1_000_000);
    const flow = new FakeFlow(1000);
    shaper.add(flow);
    expect(flow.total).toBe(1000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('takes flows that come, come again and go while others pass', () => {
    const shaper = new Shaper(1_000_000);
    const second = new FakeFlow(100);
    const gone = new FakeFlow(100);
    const first = new FakeFlow(300, 100, (flow) => {
      if (flow.left !== 200) return;
      shaper.add(second);
      shaper.add(gone);
      shaper.add(flow);
      shaper.remove(gone);
    });
    shaper.add(first);
    expect([first, second, gone].map(({ total }) => total)).toEqual([300, 100, 0]);
    const leaving = new FakeFlow(300, 100, (flow) => {
      shaper.remove(flow);
    });
    shaper.add(leaving);
    expect(leaving.total).toBe(100);
  });

  it('has nothing more to do with a flow that goes while it waits, nor a timer without one', () => {
    const shaper = new Shaper(10_000);
    const flow = new FakeFlow();
    shaper.add(flow);
    const { total } = flow;
    shaper.remove(flow);
    jest.advanceTimersByTime(1000);
    expect([flow.total, jest.getTimerCount()]).toEqual([total, 0]);
  });

  it('gives a flow a whole turn, whoever has left one in the middle', () => {
    const shaper = new Shaper(1_000_000);
    const leaving = new FakeFlow();
    shaper.add(leaving);
    shaper.remove(leaving);
    const flows = [new FakeFlow(), new FakeFlow()];
    for (const flow of flows) shaper.add(flow);
    jest.advanceTimersByTime(20);
    expect([leaving, ...flows].map(({ total }) => total)).toEqual([50_000, 16_384, 3616]);
  });

  it('serves a thousand flows', () => {
    const shaper = new Shaper(10_000_000);
    const flows = Array.from({ length: 1000 }, () => new FakeFlow());
    for (const flow of flows) shaper.add(flow);
    jest.advanceTimersByTime(10_000);
    const totals = flows.map(({ total }) => total);
    // The first was alone when it came.
    expect(Math.max(...totals.slice(1)) - Math.min(...totals)).toBeLessThanOrEqual(16_384);
  });
});
