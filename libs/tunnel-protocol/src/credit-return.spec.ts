import { jest } from '@jest/globals';
import { credit, LoneSession, open, WINDOW_BYTES } from '../testing/lone-session.js';
import { turn } from '../testing/wire.js';
import { CREDIT_RETURN_FEATURE } from './frames.js';

/** An agent that sends on exchange 1, with `extra` bytes of credit above its start. */
function sender(extra: number, features: readonly string[] = [CREDIT_RETURN_FEATURE]): LoneSession {
  const lone = new LoneSession('agent', {}, { features });
  lone.receive(open(1));
  lone.sinks[0]?.incoming?.sendHead({ status: 200, reason: '', headers: [] });
  lone.receive(credit(1, extra));
  return lone;
}

describe('credit that nobody uses', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] }));
  afterEach(() => jest.useRealTimers());

  const returned = (lone: LoneSession): unknown[] =>
    lone.sent.flatMap((frame) => (frame.kind === 'creditReturn' ? [frame.bytes] : []));

  it('goes back within two seconds, down to the start window, once', async () => {
    const lone = sender(500_000);
    jest.advanceTimersByTime(2000);
    await turn();
    expect(returned(lone)).toEqual([500_000]);
    expect(lone.sinks[0]?.exchange?.sendCredit).toBe(WINDOW_BYTES);
    jest.advanceTimersByTime(60_000);
    await turn();
    expect(returned(lone)).toEqual([500_000]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('stays while it is used, and goes back in the pause after that', async () => {
    const lone = sender(500_000);
    for (let second = 0; second < 5; second += 1) {
      lone.sinks[0]?.exchange?.sendData(Buffer.alloc(10_000));
      await turn();
      jest.advanceTimersByTime(1000);
    }
    await turn();
    expect(returned(lone)).toEqual([]);
    jest.advanceTimersByTime(1000);
    await turn();
    expect(returned(lone)).toEqual([450_000]);
  });

  it('stays with a sender whose body has ended, and with one that has only its start', async () => {
    const ended = sender(500_000);
    ended.sinks[0]?.exchange?.sendEnd();
    const small = sender(0);
    jest.advanceTimersByTime(10_000);
    await turn();
    expect([returned(ended), returned(small)]).toEqual([[], []]);
  });

  it('stays where the peer does not know of it', async () => {
    const lone = sender(500_000, []);
    jest.advanceTimersByTime(10_000);
    await turn();
    expect(returned(lone)).toEqual([]);
  });

  it('is forgotten with the session', () => {
    sender(500_000).session.close();
    expect(jest.getTimerCount()).toBe(0);
  });
});
