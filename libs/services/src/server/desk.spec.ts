import { Desk, type DeskCall } from './desk.js';
import { QUEUE_FULL, type Refusal, STOPPING } from './refusals.js';

class Call implements DeskCall {
  state = 'new';
  refusal: Refusal | undefined;
  constructor(private readonly runs = true) {}
  run(): boolean {
    this.state = this.runs ? 'running' : 'skipped';
    return this.runs;
  }
  refuse(refusal: Refusal): void {
    this.state = 'refused';
    this.refusal = refusal;
  }
  cutOff(): void {
    this.state = 'cut off';
  }
}

function calls(desk: Desk, ...them: Call[]): Call[] {
  for (const call of them) desk.enter(call);
  return them;
}
const statesOf = (them: Call[]): string[] => them.map(({ state }) => state);

describe('Desk', () => {
  it('runs, lets wait, and refuses, in this order', () => {
    const desk = new Desk(2, 1);
    const four = calls(desk, new Call(), new Call(), new Call(), new Call());
    expect(statesOf(four)).toEqual(['running', 'running', 'new', 'refused']);
    expect(four[3]?.refusal).toBe(QUEUE_FULL);
    expect(desk.counts).toEqual({ running: 2, waiting: 1 });
  });

  it('may have no queue, or no bound', () => {
    expect(statesOf(calls(new Desk(1, 0), new Call(), new Call()))).toEqual(['running', 'refused']);
    expect(statesOf(calls(new Desk(), new Call(), new Call()))).toEqual(['running', 'running']);
  });

  it('keeps no place for what does not run', () => {
    const desk = new Desk(1, 0);
    expect(statesOf(calls(desk, new Call(false), new Call()))).toEqual(['skipped', 'running']);
  });

  it('first come, first served, without those that left or whose time is over', () => {
    const desk = new Desk(1, 10);
    const [first, left, over, next, last] = [new Call(), new Call(), new Call(false), new Call(), new Call()];
    calls(desk, first, left, over, next, last);
    expect(desk.leave(left)).toBe(true);
    expect(desk.leave(left)).toBe(false);
    desk.ended(first);
    expect(statesOf([left, over, next, last])).toEqual(['new', 'skipped', 'running', 'new']);
    expect(desk.counts).toEqual({ running: 1, waiting: 1 });
  });

  it('has drained when the last one has ended', async () => {
    const desk = new Desk(1, 1);
    await desk.drain(0);
    const [first, second] = [new Call(), new Call()];
    calls(desk, first, second);
    let drained = false;
    const draining = desk.drain(600_000).then(() => (drained = true));
    desk.ended(first);
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBe(false);
    desk.ended(second);
    await draining;
    expect(desk.counts).toEqual({ running: 0, waiting: 0 });
    expect(statesOf([first, second])).toEqual(['running', 'running']);
  });

  it('refuses what waits and cuts off what runs when it takes too long, says how many, and can be used again', async () => {
    const desk = new Desk(1, 1);
    const [running, waiting] = [new Call(), new Call()];
    calls(desk, running, waiting);
    const late: Desk['counts'][] = [];
    await desk.drain(1, (counts) => late.push(counts));
    expect(late).toEqual([{ running: 1, waiting: 1 }]);
    expect(statesOf([running, waiting])).toEqual(['cut off', 'refused']);
    expect(waiting.refusal).toBe(STOPPING);
    const [next] = calls(desk, new Call());
    // The end of the one that was cut off counts for nothing.
    desk.ended(running);
    expect(desk.counts).toEqual({ running: 1, waiting: 0 });
    expect(next?.state).toBe('running');
  });
});
