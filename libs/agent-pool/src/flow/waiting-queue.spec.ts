import { jest } from '@jest/globals';
import fc from 'fast-check';
import { type Ticket, WaitingQueue } from './waiting-queue.js';

describe('who waits for room (C10)', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  function make(maxWaiting = 100, maxWaitMs = 1000) {
    const late: string[] = [];
    const now = (): number => performance.now();
    const queue = new WaitingQueue<string>({ maxWaiting, maxWaitMs, now }, (waiter) => late.push(waiter));
    return { queue, late };
  }

  it('gives each key its turn, however many of another wait', () => {
    const { queue } = make();
    for (let i = 0; i < 5; i += 1) queue.join('greedy', `g${i}`);
    queue.join('modest', 'm0');
    queue.join('other', 'o0');
    queue.join('modest', 'm1');
    const order = Array.from({ length: 8 }, () => queue.next());
    expect(order).toEqual(['g0', 'm0', 'o0', 'g1', 'm1', 'g2', 'g3', 'g4']);
    expect(queue.next()).toBeUndefined();
  });

  it('takes no more than it may, and forgets at once who leaves', () => {
    const { queue } = make(3);
    for (let i = 0; i < 1000; i += 1) {
      const ticket = queue.join(`k${i}`, 'x') as Ticket<string>;
      expect(queue.leave(ticket)).toBe(true);
      expect(queue.leave(ticket)).toBe(false);
    }
    for (let i = 0; i < 3; i += 1) expect(queue.join('k', `${i}`)).toBeDefined();
    expect(queue.join('k', '3')).toBeUndefined();
    expect(queue.clear()).toEqual(['0', '1', '2']);
    expect(make(0).queue.join('k', 'x')).toBeUndefined();
  });

  it('tells each at its own deadline', () => {
    const { queue, late } = make();
    queue.join('a', 'first');
    jest.advanceTimersByTime(400);
    queue.join('b', 'second');
    queue.join('a', 'served');
    jest.advanceTimersByTime(599);
    expect(late).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(late).toEqual(['first']);
    expect(queue.next()).toBe('served');
    jest.advanceTimersByTime(400);
    expect(late).toEqual(['first', 'second']);
    expect(queue.size).toBe(0);
  });

  it('loses nobody and serves nobody twice, whatever happens in whatever order (model)', () => {
    const step = fc.oneof(
      fc.record({ join: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ leave: fc.nat(20) }),
      fc.constant('next' as const),
      fc.record({ pass: fc.nat(700) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const { queue, late } = make(5);
        const tickets: Ticket<string>[] = [];
        const out = new Set<string>();
        let waiting = new Map<string, { key: string; deadline: number }>();
        let now = 0;
        for (const [i, it] of steps.entries()) {
          if (it === 'next') {
            const turn = queue.next();
            expect(turn === undefined).toBe(waiting.size === 0);
            if (turn === undefined) continue;
            // The first of its key.
            const key = waiting.get(turn)?.key;
            expect([...waiting].find(([, its]) => its.key === key)?.[0]).toBe(turn);
            waiting.delete(turn);
            out.add(turn);
          } else if ('join' in it) {
            const ticket = queue.join(it.join, `${i}`);
            expect(ticket === undefined).toBe(waiting.size === 5);
            if (ticket === undefined) continue;
            tickets.push(ticket);
            waiting.set(`${i}`, { key: it.join, deadline: now + 1000 });
          } else if ('leave' in it) {
            const ticket = tickets[it.leave];
            if (ticket !== undefined) expect(queue.leave(ticket)).toBe(waiting.delete(ticket.waiter));
          } else {
            now += it.pass;
            jest.advanceTimersByTime(it.pass);
            waiting = new Map([...waiting].filter(([, { deadline }]) => deadline > now));
          }
          expect(queue.size).toBe(waiting.size);
        }
        for (const waiter of late) expect(out.has(waiter)).toBe(false);
        expect(new Set(late).size).toBe(late.length);
        queue.clear();
      }),
    );
  });
});
