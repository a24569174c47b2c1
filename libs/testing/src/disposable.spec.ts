import { disposable, owning } from './disposable.js';

describe('what a block holds with `await using`', () => {
  const ended: string[] = [];
  const held = (name: string, fault?: Error): { name: string } & AsyncDisposable =>
    disposable({ name }, async () => {
      await Promise.resolve();
      ended.push(name);
      if (fault !== undefined) throw fault;
    });
  beforeEach(() => {
    ended.length = 0;
  });

  it('ends last first, one after the other', async () => {
    await (async () => {
      await using first = held('first');
      await using second = held('second');
      expect([first.name, second.name, ...ended]).toEqual(['first', 'second']);
    })();
    expect(ended).toEqual(['second', 'first']);
  });

  it('ends all of it when the block fails, and when an end fails', async () => {
    const failing = async (): Promise<void> => {
      await using _first = held('first');
      await using _second = held('second', new Error('at the end'));
      await using _third = held('third');
      throw new Error('in the block');
    };
    await expect(failing()).rejects.toMatchObject({
      name: 'SuppressedError',
      error: { message: 'at the end' },
      suppressed: { message: 'in the block' },
    });
    expect(ended).toEqual(['third', 'second', 'first']);
  });

  /** @param fails after two of its parts are there */
  async function setUp(fails: boolean): Promise<AsyncDisposable & { port: number }> {
    await using stack = new AsyncDisposableStack();
    stack.use(held('service'));
    stack.use(held('gateway'));
    if (fails) throw new Error('no agent');
    return owning({ port: 1 }, stack);
  }

  it('a set-up ends with what it hands out, its parts last first', async () => {
    {
      await using relay = await setUp(false);
      expect([relay.port, ...ended]).toEqual([1]);
    }
    expect(ended).toEqual(['gateway', 'service']);
  });

  it('a set-up that fails ends what it has begun', async () => {
    await expect(setUp(true)).rejects.toThrow('no agent');
    expect(ended).toEqual(['gateway', 'service']);
  });
});
