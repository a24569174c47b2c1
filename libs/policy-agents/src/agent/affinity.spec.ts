import { Affinity } from './affinity.js';

const exchange = (correlationId: string, isIdle = true, beganAt = 0) => ({ correlationId, isIdle, beganAt });

describe('C8: the exchanges of a connection', () => {
  it('are known by their ids, each as long as it is not over', () => {
    const affinity = new Affinity<ReturnType<typeof exchange>>();
    const [one, same] = [exchange('1'), exchange('1')];
    expect([affinity.keep(one), affinity.keep(one), affinity.keep(same)]).toEqual([true, true, false]);
    affinity.forget(same);
    expect(affinity.get('1')).toBe(one);
    affinity.forget(one);
    expect([affinity.get('1'), affinity.size, affinity.evictions]).toEqual([undefined, 0, 0]);
  });

  it('are forgotten when nobody asks about them, but not while somebody does', () => {
    const affinity = new Affinity<ReturnType<typeof exchange>>();
    for (const its of [exchange('old'), exchange('asked', false), exchange('young', true, 100)]) affinity.keep(its);
    affinity.sweep(100);
    expect([affinity.size, affinity.get('old'), affinity.evictions]).toEqual([2, undefined, 1]);
  });

  it('are 100,000 at most: the oldest goes about which nobody asks', () => {
    const affinity = new Affinity<ReturnType<typeof exchange>>();
    for (let i = 0; i < 100_001; i += 1) affinity.keep(exchange(String(i), i > 0));
    expect([affinity.size, affinity.get('0') !== undefined, affinity.get('1')]).toEqual([100_000, true, undefined]);
  });
});
