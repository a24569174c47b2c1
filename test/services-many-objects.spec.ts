import { client, NatsBus } from 'berth-services';
import { describeWithNats, disposable, eventually, NatsServer } from '@berth/testing';
import { Ledger, LedgerAgent } from '../libs/services/testing/ledger-agent.js';

const OBJECTS = 10_000;
const AT_ONCE = 500;

/** Calls objects, {@link AT_ONCE} at a time. @param answered told how many have been answered so far */
async function all(
  call: (object: string) => Promise<number>,
  answered?: (count: number) => void,
  objects = OBJECTS,
): Promise<number[]> {
  const results: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < objects) {
      next += 1;
      results.push(await call(`object ${next}`));
      answered?.(results.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}

describeWithNats('10,000 objects over NATS', () => {
  it('one of three processes is killed while all are called: each answers, with the state that it had', async () => {
    await using server = await NatsServer.start();
    await using agents = new AsyncDisposableStack();
    const three = await Promise.all([1, 2, 3].map(() => LedgerAgent.start(server.url)));
    for (const agent of three) agents.use(agent);
    await using bus = disposable(await NatsBus.connect({ servers: server.url }), (it) => it.close());
    const ledger = client(Ledger, { bus, timeoutMs: 30_000 });
    await eventually(async () => {
      const pids = await Promise.all(Array.from({ length: 6 }, () => ledger.mark(0)));
      return new Set(pids).size === 3;
    }, 10_000);
    const add = (name: string): Promise<number> => ledger.object(name).add();
    expect(new Set(await all(add))).toEqual(new Set([1]));
    const second = await all(add, (count) => {
      if (count === 2_000) three[0]?.kill('SIGKILL');
    });
    expect(await three[0]?.exit).toBe('SIGKILL');
    expect(second).toHaveLength(OBJECTS);
    expect(new Set(second)).toEqual(new Set([2]));
    expect(new Set(await all((name) => ledger.object(name).total(), undefined, AT_ONCE))).toEqual(new Set([2]));
  }, 120_000);
});
