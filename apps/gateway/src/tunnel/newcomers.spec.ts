import { jest } from '@jest/globals';
import type { HandshakeFailure } from '../lifecycle/index.js';
import { type Newcomer, Newcomers } from './newcomers.js';

describe('Newcomers', () => {
  let now = 0;
  beforeEach(() => {
    now = 0;
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  class Fake implements Newcomer {
    readonly readSince = now;
    expiresAt = Infinity;
    overdrawn = false;
    readonly cuts: HandshakeFailure[] = [];
    constructor(readonly address: string) {}
    cut(reason: HandshakeFailure): void {
      this.cuts.push(reason);
    }
  }
  const newcomers = (total: number, perAddress: number): Newcomers =>
    new Newcomers({ total, perAddress, now: () => now });
  const come = (list: Newcomers, ...addresses: string[]): Fake[] =>
    addresses.map((address) => {
      const fake = new Fake(address);
      list.admit(fake);
      return fake;
    });
  const goneOf = (fakes: Fake[]): number[] => fakes.flatMap(({ cuts }, i) => (cuts.length > 0 ? [i] : []));

  it('beyond the bound of an address its oldest goes', () => {
    const list = newcomers(10, 2);
    const fakes = come(list, 'b', 'a', 'a', 'a', 'a');
    expect(goneOf(fakes)).toEqual([1, 2]);
    expect(fakes[1]?.cuts).toEqual(['evicted']);
    expect(list.size).toBe(3);
  });

  it('beyond the bound of all, the oldest of the address with the most goes', () => {
    const list = newcomers(4, 10);
    expect(goneOf(come(list, 'quiet', 'loud', 'loud', 'loud', 'new', 'other'))).toEqual([1, 2]);
    expect(list.size).toBe(4);
  });

  it('there is room again when the one that would have to go has had a second', () => {
    const list = newcomers(10, 2);
    expect(list.hasRoomFor('a')).toBe(true);
    come(list, 'a', 'a');
    now = 999;
    expect([list.hasRoomFor('a'), list.hasRoomFor('b')]).toEqual([false, true]);
    now = 1000;
    expect(list.hasRoomFor('a')).toBe(true);
  });

  it('when there is room for none, the one that would have to go is of the address with the most', () => {
    const list = newcomers(3, 10);
    come(list, 'quiet');
    now = 1000;
    come(list, 'loud', 'loud');
    expect(list.hasRoomFor('new')).toBe(false);
    now = 2000;
    expect(list.hasRoomFor('new')).toBe(true);
  });

  it('whoever has shown an agent is no newcomer, and is not evicted', () => {
    const list = newcomers(2, 2);
    const [agent, silent] = come(list, 'a', 'a') as [Fake, Fake];
    list.remove(agent);
    list.remove(agent);
    const more = come(list, 'a', 'a');
    expect(goneOf([agent, silent, ...more])).toEqual([1]);
  });

  it('whoever had an agent until now displaces nobody', () => {
    const list = newcomers(1, 1);
    const [first] = come(list, 'a') as [Fake];
    list.add(new Fake('a'));
    expect([goneOf([first]), list.size]).toEqual([[], 2]);
  });

  it('cuts those whose time is over, and those that said too much', () => {
    const list = newcomers(9, 9);
    const [late, loud, fine] = come(list, 'a', 'a', 'a') as [Fake, Fake, Fake];
    late.expiresAt = 1000;
    loud.overdrawn = true;
    now = 1000;
    jest.advanceTimersByTime(50);
    expect([late.cuts, loud.cuts, fine.cuts]).toEqual([['timeout'], ['flood'], []]);
  });

  it('looks at nobody when nobody is there', () => {
    const list = newcomers(9, 9);
    const fakes = come(list, 'a', 'b');
    expect(jest.getTimerCount()).toBe(1);
    for (const fake of fakes) list.remove(fake);
    expect(jest.getTimerCount()).toBe(0);
  });
});
