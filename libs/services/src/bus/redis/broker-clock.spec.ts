import { BrokerClock, type Moment } from './broker-clock.js';

const DAY = 86_400_000;

/** Our clock is a day behind the broker's, and the steady one began at 0. */
function moment(steady: number): Moment {
  return { clock: 1_000_000 + steady, steady };
}

describe('BrokerClock', () => {
  it('knows the broker by what it says, up to the time that it took', () => {
    const clock = new BrokerClock();
    clock.measured(1_000_000 + DAY + 1_001, moment(1_000), moment(1_002));
    expect(clock.offsetMs).toBe(DAY);
    const early = clock.at(5_000) - (1_000_000 + DAY + 5_000);
    expect(early).toBeGreaterThanOrEqual(0);
    expect(early).toBeLessThanOrEqual(2);
  });

  it('keeps what it knows when an answer takes long', () => {
    const clock = new BrokerClock();
    clock.measured(1_000_000 + DAY + 1_001, moment(1_000), moment(1_002));
    const before = clock.at(9_000);
    // The broker stood still: before it said it, and after.
    clock.measured(1_000_000 + DAY + 5_000, moment(2_000), moment(5_001));
    clock.measured(1_000_000 + DAY + 6_001, moment(6_000), moment(9_000));
    expect(clock.offsetMs).toBe(DAY);
    expect(clock.at(9_000)).toBe(before);
  });

  it.each([60_000, -60_000])('learns with one answer that a clock was set by %d ms', (step) => {
    const clock = new BrokerClock();
    clock.measured(1_000_000 + DAY + 1_001, moment(1_000), moment(1_002));
    clock.measured(1_000_000 + DAY + step + 2_001, moment(2_000), moment(2_002));
    expect(clock.offsetMs).toBe(DAY + step);
    expect(Math.abs(clock.at(5_000) - (1_000_000 + DAY + step + 5_000))).toBeLessThanOrEqual(2);
  });
});
