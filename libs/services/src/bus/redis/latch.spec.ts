import { Latch } from './latch.js';

describe('waiting for several latches', () => {
  const never = (): boolean => false;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('ends when all are so at the same time, not each at some time', async () => {
    const [first, second] = [new Latch(), new Latch()];
    let over = false;
    const all = Latch.all([first, second], 20_000, never).then(() => (over = true));
    first.set(true);
    await turn();
    first.set(false);
    second.set(true);
    await turn();
    expect(over).toBe(false);
    first.set(true);
    await all;
  });

  it('ends at once when all are so, when its time is over, and when there is nothing to wait for', async () => {
    const [is, isNot] = [new Latch(), new Latch()];
    is.set(true);
    await Latch.all([is, is], 20_000, never);
    await Latch.all([is, isNot], 20, never);
    let closed = false;
    const released = Latch.all([is, isNot], 20_000, () => closed);
    closed = true;
    isNot.release();
    await released;
    expect(isNot.is).toBe(false);
  });
});
