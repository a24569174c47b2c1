import { setImmediate as turn } from 'node:timers/promises';
import { collectGarbage, eventually } from '@berth/testing';
import { Caller } from './caller.js';

describe('Caller', () => {
  it('tells a call that was answered, and one that never came and never shall, from one that is lost', () => {
    const caller = new Caller();
    for (const number of [1, 2, 5]) expect(caller.came(number)).toBe(true);
    caller.keep(1, Buffer.from('one'));
    caller.calls.set(2, {} as never);
    expect([caller.find(1), caller.find(2)]).toEqual([Buffer.from('one'), 'here']);
    expect([caller.find(3), caller.find(6)]).toEqual(['missed', 'missed']);
    expect([3, 6, 7].map((number) => caller.came(number))).toEqual([false, false, true]);
    caller.forget();
    expect([caller.find(1), caller.find(7), caller.find(8)]).toEqual(['lost', 'lost', 'missed']);
    expect(new Caller(true).find(1)).toBe('lost');
  });

  it('knows which calls it has taken, and doubts all that are older than one that was given back or never came', () => {
    const caller = new Caller();
    caller.calls.set(1, {} as never);
    caller.keep(3, Buffer.from('three'));
    caller.keep(4, Buffer.from('given back'));
    expect([1, 2, 3].map((number) => caller.hasTaken(number))).toEqual([true, false, true]);
    caller.find(2);
    expect([1, 2, 3].map((number) => caller.hasTaken(number))).toEqual([false, false, true]);
    caller.gaveBack(4);
    expect([3, 4, 5].map((number) => caller.hasTaken(number))).toEqual([false, false, false]);
    caller.came(6);
    caller.forget();
    expect(caller.hasTaken(6)).toBe(false);
  });

  it('keeps the newest answers, within bounds of number and bytes', () => {
    const caller = new Caller();
    caller.came(5000);
    for (let i = 1; i <= 2000; i += 1) caller.keep(i, Buffer.from('x'));
    expect([caller.find(976), caller.find(977)]).toEqual(['lost', Buffer.from('x')]);
    const large = Buffer.alloc(3 * 1024 * 1024);
    caller.keep(3000, large);
    caller.keep(3001, large);
    expect([caller.find(2000), caller.find(3000)]).toEqual(['lost', 'lost']);
    expect(caller.find(3001)).toBe(large);
  });

  it('counts the bytes of an answer once, when a call that was late is answered again', () => {
    const caller = new Caller();
    const large = Buffer.alloc(3 * 1024 * 1024);
    caller.keep(1, Buffer.from('kept'));
    caller.keep(2, large);
    caller.keep(2, large);
    expect(caller.find(1)).toEqual(Buffer.from('kept'));
    expect(caller.find(2)).toBe(large);
  });

  it('that has gone keeps no answers', async () => {
    const caller = new Caller();
    const kept = Array.from({ length: 100 }, (_, i) => {
      // Such a one is kept as it is.
      const answer = Buffer.alloc(Buffer.poolSize / 2);
      caller.keep(i, answer);
      return new WeakRef(answer);
    });
    caller.forget();
    // What was looked at in a turn of the event loop lives until its end.
    await turn();
    collectGarbage();
    expect(kept.filter((ref) => ref.deref() !== undefined)).toHaveLength(0);
    expect(caller.find(0)).toBe('lost');
  });

  it('small answers that are kept hold their own bytes, and nothing that was made beside them', async () => {
    const caller = new Caller();
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 1; i <= 1000; i += 1) {
      // Of small buffers Node makes many in one piece, which is held as long as one of them is.
      for (let kib = 0; kib < 64; kib += 1) Buffer.allocUnsafe(1024);
      caller.keep(i, Buffer.from(`answer ${i}`));
    }
    // What is collected is given back beside that.
    await eventually(() => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024;
    });
    expect(caller.find(1000)).toEqual(Buffer.from('answer 1000'));
  });
});
