import { Patience } from './patience.js';

describe('Patience', () => {
  let now = 0;
  const come = (patience: Patience, address: string, times: number): void => {
    for (let i = 0; i < times; i += 1) patience.fruitless(address);
  };

  it('who came 32 times for nothing waits, and nobody else does', () => {
    const patience = new Patience(() => now);
    come(patience, 'a', 32);
    expect(patience.waitMs('a')).toBe(0);
    come(patience, 'a', 1);
    expect([patience.waitMs('a'), patience.waitMs('b')]).toEqual([1000, 0]);
  });

  it('who stops is forgiven in some 10 s, however often it came', () => {
    const patience = new Patience(() => now);
    come(patience, 'a', 10_000);
    now += 10_000;
    expect(patience.waitMs('a')).toBe(1000);
    now += 1000;
    expect(patience.waitMs('a')).toBe(0);
  });

  it('a few a second are never made to wait', () => {
    const patience = new Patience(() => now);
    for (let i = 0; i < 1000; i += 1, now += 340) come(patience, 'a', 1);
    expect(patience.waitMs('a')).toBe(0);
  });

  it('remembers a bounded number of addresses, the latest', () => {
    const patience = new Patience(() => now);
    come(patience, 'old', 40);
    come(patience, 'new', 40);
    for (let i = 0; i < 4095; i += 1) come(patience, `other-${i}`, 1);
    expect([patience.waitMs('old'), patience.waitMs('new')]).toEqual([0, 1000]);
  });
});
