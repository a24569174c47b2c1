import { Admission, type Waiting } from './admission.js';
import { STOPPING } from './refusals.js';

class Call implements Waiting {
  state = 'new';
  constructor(private readonly runs = true) {}
  run(): boolean {
    this.state = this.runs ? 'running' : 'skipped';
    return this.runs;
  }
  refuse(): void {
    this.state = 'refused';
  }
}

describe('Admission', () => {
  it('runs, lets wait, and refuses, in this order', () => {
    const admission = new Admission(2, 1);
    expect([1, 2, 3, 4].map(() => admission.enter(new Call()))).toEqual(['run', 'run', 'wait', 'full']);
    expect(admission.counts).toEqual({ running: 2, waiting: 1 });
  });

  it('may have no queue', () => {
    const admission = new Admission(1, 0);
    expect([1, 2].map(() => admission.enter(new Call()))).toEqual(['run', 'full']);
  });

  it('first come, first served, without those that left or whose time is over', () => {
    const admission = new Admission(1, 10);
    admission.enter(new Call());
    const [left, over, next, last] = [new Call(), new Call(false), new Call(), new Call()];
    for (const call of [left, over, next, last]) admission.enter(call);
    expect(admission.leave(left)).toBe(true);
    expect(admission.leave(left)).toBe(false);
    admission.ended();
    expect([left, over, next, last].map(({ state }) => state)).toEqual(['new', 'skipped', 'running', 'new']);
    expect(admission.counts).toEqual({ running: 1, waiting: 1 });
  });

  it('is idle when the last one has ended', async () => {
    const admission = new Admission(1, 1);
    await admission.whenIdle();
    admission.enter(new Call());
    admission.enter(new Call());
    let idle = false;
    const whenIdle = admission.whenIdle().then(() => (idle = true));
    admission.ended();
    await Promise.resolve();
    expect(idle).toBe(false);
    admission.ended();
    await whenIdle;
    expect(admission.counts).toEqual({ running: 0, waiting: 0 });
  });

  it('refuses what waits', () => {
    const admission = new Admission(1, 1);
    admission.enter(new Call());
    const waiting = new Call();
    admission.enter(waiting);
    admission.refuseWaiting(STOPPING);
    expect(waiting.state).toBe('refused');
    expect(admission.counts.waiting).toBe(0);
  });
});
