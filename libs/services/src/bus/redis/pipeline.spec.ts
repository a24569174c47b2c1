import { type Args, type Op, Pipeline } from './pipeline.js';

class TestOp implements Op {
  size = 10;
  withdrawn = false;
  readonly events: string[] = [];

  constructor(readonly name: string) {}

  write(args: Args): void {
    args.push(this.name);
  }
  accepted(): void {
    this.events.push('accepted');
  }
  forgotten(): void {
    this.events.push('forgotten');
  }
  failed(why: string): void {
    this.events.push(why);
  }
}

/** A broker that answers when told so. */
class FakeBroker {
  readonly batches: { sequence: number; names: string[]; answer(value: unknown): void; fail(): void }[] = [];
  readonly answers: unknown[] = [];
  readonly dropped: string[] = [];
  failures = 0;
  readonly pipeline = new Pipeline({
    submit: (sequence, args) =>
      new Promise((resolve, reject) => {
        const fail = (): void => reject(new Error('broken'));
        this.batches.push({ sequence, names: args.map(String), answer: resolve, fail });
      }),
    answered: (answer) => this.answers.push(answer),
    failed: () => (this.failures += 1),
    dropped: (why) => this.dropped.push(why),
  });

  push(...names: string[]): TestOp[] {
    const ops = names.map((name) => new TestOp(name));
    for (const op of ops) this.pipeline.push(op);
    return ops;
  }

  async answer(at: number, value: unknown = 'DONE'): Promise<void> {
    this.batches[at]?.answer(value);
    await turn();
  }

  get sent(): string {
    return this.batches.map(({ sequence, names }) => `${sequence}:${names.join('')}`).join(' ');
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('Pipeline', () => {
  it('sends what one turn pushed in one batch, four at once, the rest together when one is done', async () => {
    const broker = new FakeBroker();
    broker.push('a');
    await turn();
    expect(broker.sent).toBe('');
    broker.pipeline.resume(0);
    expect(broker.sent).toBe('1:a');
    const [b] = broker.push('b', 'c');
    void Promise.resolve().then(() => broker.push('d'));
    await turn();
    broker.push('e');
    await turn();
    for (const name of ['f', 'g', 'h']) {
      broker.push(name);
      await turn();
    }
    expect(broker.sent).toBe('1:a 2:bcd 3:e 4:f');
    await broker.answer(0);
    expect(broker.sent).toBe('1:a 2:bcd 3:e 4:f 5:gh');
    expect(b?.events).toEqual([]);
    await broker.answer(1);
    expect(b?.events).toEqual(['accepted']);
    expect(broker.pipeline.done).toBe(2);
  });

  it('after a break takes what was done as done, sends the rest again as it was, and ignores late answers', async () => {
    const broker = new FakeBroker();
    broker.pipeline.resume(0);
    const ops: TestOp[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      ops.push(...broker.push(name));
      await turn();
    }
    expect(broker.sent).toBe('1:a 2:b 3:c 4:d');
    broker.pipeline.pause();
    await broker.answer(1);
    broker.batches[0]?.fail();
    await turn();
    expect(broker.failures).toBe(0);
    expect(ops.map(({ events }) => events.length)).toEqual([0, 0, 0, 0, 0]);
    broker.pipeline.resume(1);
    expect(broker.sent).toBe('1:a 2:b 3:c 4:d 2:b 3:c 4:d 5:e');
    for (const at of [4, 5, 6, 7]) await broker.answer(at);
    expect(ops.map(({ events }) => events.join())).toEqual(Array(5).fill('accepted'));
  });

  it('does not send what was withdrawn before it was sent', async () => {
    const broker = new FakeBroker();
    broker.pipeline.resume(0);
    const [a, b] = broker.push('a', 'b');
    (a as TestOp).withdrawn = true;
    await turn();
    (b as TestOp).withdrawn = true;
    expect(broker.sent).toBe('1:b');
    broker.pipeline.resume(0);
    expect(broker.sent).toBe('1:b 1:b');
  });

  it('bounds a batch in steps and in bytes', async () => {
    const broker = new FakeBroker();
    broker.pipeline.resume(0);
    broker.push(...Array.from({ length: 66 }, () => 'x'));
    await turn();
    expect(broker.batches.map(({ names }) => names.length)).toEqual([64, 2]);
    await broker.answer(0);
    await broker.answer(1);
    const large = ['l', 'm', 'n'].map((name) => Object.assign(new TestOp(name), { size: 700_000 }));
    for (const op of large) broker.pipeline.push(op);
    await turn();
    expect(broker.batches.slice(2).map(({ names }) => names.join(''))).toEqual(['lm', 'n']);
  });

  it('starts its numbers again when the broker has lost its memory', async () => {
    const broker = new FakeBroker();
    broker.pipeline.resume(0);
    const [a] = broker.push('a');
    await turn();
    const [b] = broker.push('b');
    broker.pipeline.forget();
    expect([a?.events, b?.events]).toEqual([['forgotten'], ['forgotten']]);
    await broker.answer(0);
    expect(a?.events).toEqual(['forgotten']);
    broker.push('c');
    broker.pipeline.resume(0);
    expect(broker.sent).toBe('1:a 1:c');
  });

  it('tells of answers that are not DONE, and of failures', async () => {
    const broker = new FakeBroker();
    broker.pipeline.resume(0);
    const [a] = broker.push('a');
    await turn();
    await broker.answer(0, 'GONE');
    expect(broker.answers).toEqual(['GONE']);
    expect(a?.events).toEqual(['forgotten']);
    const [b] = broker.push('b');
    await turn();
    await broker.answer(1, 'LOST');
    expect(broker.answers).toEqual(['GONE', 'LOST']);
    expect(b?.events).toEqual([]);
    broker.push('c');
    await turn();
    broker.batches[2]?.fail();
    await turn();
    expect(broker.failures).toBe(1);
  });

  it('settled: all that was pushed before is done', async () => {
    const broker = new FakeBroker();
    broker.pipeline.resume(0);
    broker.push('a');
    let settled = false;
    void broker.pipeline.settled().then(() => (settled = true));
    await turn();
    expect(settled).toBe(false);
    await broker.answer(0);
    expect(settled).toBe(true);
  });

  it('what is withdrawn while the broker is away does not pile up', async () => {
    const broker = new FakeBroker();
    let most = 0;
    const [first] = broker.push('a');
    for (let i = 0; i < 20_000; i += 1) {
      const [op] = broker.push('x');
      (op as TestOp).withdrawn = true;
      most = Math.max(most, broker.pipeline.waiting);
    }
    expect(most).toBeLessThanOrEqual(256);
    const living = Array.from({ length: 1000 }, () => broker.push('b')[0]);
    for (let i = 0; i < 5000; i += 1) Object.assign(broker.push('y')[0] as TestOp, { withdrawn: true });
    expect(broker.pipeline.waiting).toBeLessThanOrEqual(2 * 1001);
    broker.pipeline.resume(0);
    for (let at = 0; at < 16; at += 1) await broker.answer(at);
    expect(first?.events).toEqual(['accepted']);
    expect(living.map((op) => op?.events.join())).toEqual(Array(1000).fill('accepted'));
    expect(broker.pipeline.waiting).toBe(0);
  });

  it('a step that the broker could not do is told so, the others of its batch were done', async () => {
    const broker = new FakeBroker();
    broker.pipeline.resume(0);
    const ops = broker.push('a', 'b', 'c');
    await turn();
    await broker.answer(0, ['DONE', 1, 'because']);
    expect(ops.map(({ events }) => events.join())).toEqual(['accepted', 'because', 'accepted']);
    expect(broker.dropped).toEqual(['because']);
    expect(broker.answers).toEqual([]);
    expect(broker.pipeline.done).toBe(1);
  });
});
