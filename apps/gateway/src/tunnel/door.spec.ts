import { jest } from '@jest/globals';
import type { HandshakeFailure } from '../lifecycle/index.js';
import { Door, type Waiting } from './door.js';

describe('Door', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  class Fake implements Waiting {
    readonly cuts: HandshakeFailure[] = [];
    constructor(
      readonly address: string,
      readonly number: number,
    ) {}
    cut(reason: HandshakeFailure): void {
      this.cuts.push(reason);
    }
  }

  /** @param full addresses that find no room */
  function doorOf(total: number, full = new Set<string>()) {
    const entered: number[] = [];
    const door = new Door<Fake>(total, {
      hasRoomFor: (address) => !full.has(address),
      enter: ({ number }) => entered.push(number),
    });
    let number = 0;
    const come = (...addresses: string[]): Fake[] =>
      addresses.map((address) => {
        const fake = new Fake(address, (number += 1));
        door.admit(fake);
        door.lineUp(fake);
        return fake;
      });
    return { door, entered, come, full };
  }
  const goneOf = (fakes: Fake[]): number[] => fakes.flatMap(({ cuts, number }) => (cuts.length > 0 ? [number] : []));
  /** One turn of the event loop. */
  const turn = (): void => {
    jest.runOnlyPendingTimers();
  };

  it('lets those in that came, in turn, 16 in a turn of the event loop', () => {
    const { door, entered, come } = doorOf(100);
    come(...Array.from({ length: 20 }, () => 'a'));
    expect(entered).toEqual([]);
    turn();
    expect([entered.length, door.size]).toEqual([16, 4]);
    turn();
    expect(entered).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('who finds no room waits, and holds nobody of another address up', () => {
    const { entered, come, full } = doorOf(100, new Set(['a']));
    come('a', 'b', 'a');
    turn();
    expect(entered).toEqual([2]);
    full.clear();
    jest.advanceTimersByTime(10);
    expect(entered).toEqual([2, 1, 3]);
  });

  it('when nobody can wait any more, the newest of the address with the most goes', () => {
    const { door, come } = doorOf(3, new Set(['loud', 'quiet']));
    const fakes = come('loud', 'loud', 'quiet', 'loud', 'other');
    expect(goneOf(fakes)).toEqual([2, 4]);
    expect(fakes[1]?.cuts).toEqual(['evicted']);
    expect(door.size).toBe(3);
  });

  it('who has gone is not let in, and leaves room', () => {
    const { door, entered, come } = doorOf(2);
    const [first] = come('a', 'a') as [Fake];
    door.remove(first);
    door.remove(first);
    expect(goneOf(come('a'))).toEqual([]);
    turn();
    expect(entered).toEqual([2, 3]);
  });

  it('who was refused before its turn is not let in later', () => {
    const { door, entered, come } = doorOf(1);
    const [, late] = come('a', 'a') as [Fake, Fake];
    door.lineUp(late);
    turn();
    expect([late.cuts, entered]).toEqual([['evicted'], [1]]);
  });

  it('keeps no timer when nobody waits', () => {
    const { come } = doorOf(9);
    come('a', 'b');
    turn();
    expect(jest.getTimerCount()).toBe(0);
  });
});
