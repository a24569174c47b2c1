import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { client, NatsBus } from 'berth-services';
import { describeWithNats, disposable, NatsServer } from '@berth/testing';
import { Ledger, LedgerAgent } from '../libs/services/testing/ledger-agent.js';
import { LedgerLoad } from '../libs/services/testing/ledger-load.js';
import { codeOf } from '../libs/services/testing/slow-service.js';

const HOUR_MS = 3_600_000;

/** The clock of this process, as long as the block lasts. */
function clockAhead(ms: number): Disposable {
  const { now } = Date;
  return jest.spyOn(Date, 'now').mockImplementation(() => now() + ms);
}

const busOn = async (servers: string) => disposable(await NatsBus.connect({ servers }), (bus) => bus.close());

describeWithNats('clocks over NATS', () => {
  for (const [what, step] of [
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
  ] as const)
    it(`set ${what} by an hour, and the other way at one agent, while calls run and wait: none is late, lost or done twice`, async () => {
      await using server = await NatsServer.start();
      await using first = await LedgerAgent.start(server.url);
      await using second = await LedgerAgent.start(server.url);
      await using bus = await busOn(server.url);
      const load = new LedgerLoad(bus, ['a', 'b', 'c', 'd']);
      const ledger = client(Ledger, { bus, timeoutMs: 20_000 });
      const held = ledger.object('held');
      const running = held.slow(1500);
      const waiting = Promise.all([held.add(), held.add()]);
      const hopeless = codeOf(ledger.object('held', { timeoutMs: 700 }).add());
      await sleep(300);
      using _clock = clockAhead(step);
      await first.setClock(step);
      await second.setClock(-step);
      const set = performance.now();
      expect(await hopeless).toBe('BERTH_SERVICE_TIMEOUT');
      expect(performance.now() - set).toBeLessThan(5000);
      expect(await running).toBe(1000);
      expect(await waiting).toEqual([1001, 1002]);
      expect(await codeOf(ledger.object('held', { timeoutMs: 300 }).slow(20_000))).toBe('BERTH_SERVICE_TIMEOUT');
      await load.stop();
      expect(await load.problems([...first.begun, ...second.begun])).toEqual([]);
      expect([...load.codes.keys()]).toEqual([]);
    }, 60_000);

  it('that never agreed: a method sees the time that its call has left by its own clock', async () => {
    await using server = await NatsServer.start();
    await using agent = await LedgerAgent.start(server.url);
    await agent.setClock(-HOUR_MS);
    using _clock = clockAhead(HOUR_MS);
    await using bus = await busOn(server.url);
    const left = await client(Ledger, { bus, timeoutMs: 5000 }).left();
    expect(left).toBeGreaterThan(2000);
    expect(left).toBeLessThanOrEqual(5000);
  }, 60_000);
});
