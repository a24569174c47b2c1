import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { client, NatsBus, type ServicesError } from 'berth-services';
import { describeWithNats, disposable, eventually, freePortRange, NatsServer, tcpRelay } from '@berth/testing';
import { Ledger, LedgerAgent } from '../libs/services/testing/ledger-agent.js';
import { LedgerLoad } from '../libs/services/testing/ledger-load.js';

const OBJECTS = ['a', 'b', 'c', 'd'];

const busOn = async (servers: string) => disposable(await NatsBus.connect({ servers }), (bus) => bus.close());
const begunBy = (agents: readonly LedgerAgent[]): string[] => agents.flatMap(({ begun }) => begun);
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (thrown: unknown) => (thrown as ServicesError).code,
  );

/**
 * Who is there, as the broker has it. It may learn of a death later than whoever waits for the process, and what it has
 * taken for the dead one meanwhile is lost: of that nobody can say whether it was begun.
 */
async function membersOf(servers: string) {
  const connection = await connect({ servers });
  const ids = new Set<string>();
  connection.subscribe('berth.members', {
    callback: (_error, message) => {
      ids.add(/"id":"([^"]+)"/.exec(message.string())?.[1] ?? '');
    },
  });
  const isThere = (id: string): Promise<boolean> =>
    connection.request(`berth.to.${id}`, '?', { timeout: 50 }).then(
      () => true,
      (thrown: unknown) => !String(thrown).includes('no responders'),
    );
  return disposable({ ids, isThere }, () => connection.close());
}

/** Calls go on for so long again, and then all adds up. */
async function addsUp(load: LedgerLoad, agents: readonly LedgerAgent[]): Promise<void> {
  const before = [...load.answered.values()].reduce((sum, count) => sum + count, 0);
  await eventually(() => [...load.answered.values()].reduce((sum, count) => sum + count, 0) > before + 20, 15_000);
  await load.stop();
  expect(await load.problems(begunBy(agents))).toEqual([]);
}

describeWithNats('agents over NATS', () => {
  it('one of two is killed and comes back: calls made meanwhile are answered within 3 s, and all adds up', async () => {
    await using server = await NatsServer.start();
    await using members = await membersOf(server.url);
    await using first = await LedgerAgent.start(server.url);
    const [id = ''] = await eventually(() => (members.ids.size > 0 ? [...members.ids] : undefined));
    await using second = await LedgerAgent.start(server.url);
    await using bus = await busOn(server.url);
    const load = new LedgerLoad(bus, OBJECTS);
    await sleep(1000);
    expect(await members.isThere(id)).toBe(true);
    first.kill('SIGKILL');
    await first.exit;
    const killed = Date.now();
    await eventually(async () => !(await members.isThere(id)));
    const ledger = client(Ledger, { bus, timeoutMs: 20_000 });
    const restarted = LedgerAgent.start(server.url);
    const ends = Array.from({ length: 40 }, async (_, i) => {
      await sleep(i * 10);
      await (i % 2 === 0 ? ledger.mark(1_000_000 + i) : ledger.object(`other ${i}`).touch(1_000_000 + i));
      return Date.now() - killed;
    });
    expect(Math.max(...(await Promise.all(ends)))).toBeLessThan(3000);
    await using third = await restarted;
    await addsUp(load, [first, second, third]);
    expect([...load.codes.keys()].filter((code) => code !== 'BERTH_SERVICE_OUTCOME_UNKNOWN')).toEqual([]);
    expect(third.begun.length).toBeGreaterThan(0);
  }, 60_000);

  it('one stands still for 10 s: its objects move on, and when it wakes it writes over nothing', async () => {
    await using server = await NatsServer.start();
    await using first = await LedgerAgent.start(server.url);
    await using second = await LedgerAgent.start(server.url);
    await using bus = await busOn(server.url);
    const ledger = client(Ledger, { bus, timeoutMs: 20_000 });
    // An object of the first agent.
    let object = ledger.object('x');
    for (let i = 0; !first.stdout.includes('touch'); i += 1) {
      object = ledger.object(`x ${i}`);
      await object.touch(i);
    }
    const slow = codeOf(object.slow(3000));
    await first.printed(/(slow begins)/);
    const load = new LedgerLoad(bus, OBJECTS);
    first.process.kill('SIGSTOP');
    const stopped = Date.now();
    expect(await slow).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(Date.now() - stopped).toBeLessThan(2500);
    expect([await object.add(), await object.add()]).toEqual([2, 3]);
    expect(Date.now() - stopped).toBeLessThan(4000);
    await sleep(10_000 - (Date.now() - stopped));
    first.process.kill('SIGCONT');
    // Its method has long been due, and ends at once.
    await addsUp(load, [first, second]);
    expect(await object.add()).toBe(4);
    await sleep(500);
    expect(await object.total()).toBe(4);
  }, 60_000);

  for (const [what, away] of [
    ['is killed, and back after 10 s', 10_000],
    ['is told to end, and back at once', 0],
  ] as const)
    it(`the broker ${what}: calls wait or say what is unknown, and all adds up`, async () => {
      await using server = await NatsServer.start();
      await using first = await LedgerAgent.start(server.url);
      await using second = await LedgerAgent.start(server.url);
      await using bus = await busOn(server.url);
      const load = new LedgerLoad(bus, OBJECTS);
      await sleep(1000);
      if (away > 0) await server.kill();
      else await server.stop();
      await sleep(away);
      await server.start();
      await addsUp(load, [first, second]);
    }, 60_000);

  it('the broker stands still for 10 s: all adds up, and what waited too long does not begin', async () => {
    await using server = await NatsServer.start();
    await using first = await LedgerAgent.start(server.url);
    await using second = await LedgerAgent.start(server.url);
    await using bus = await busOn(server.url);
    const load = new LedgerLoad(bus, OBJECTS);
    await sleep(1000);
    await server.pause();
    const late = codeOf(client(Ledger, { bus, timeoutMs: 1000 }).mark(1_000_000));
    await sleep(10_000);
    expect(await late).toBe('BERTH_SERVICE_TIMEOUT');
    server.resume();
    await addsUp(load, [first, second]);
    expect(begunBy([first, second])).not.toContain('mark 1000000');
  }, 60_000);

  it('the broker is restarted empty: calls go on, with objects that nobody has saved', async () => {
    await using server = await NatsServer.start();
    await using agent = await LedgerAgent.start(server.url);
    await using bus = await busOn(server.url);
    const ledger = client(Ledger, { bus, timeoutMs: 20_000 });
    expect([await ledger.object('a').add(), await ledger.object('a').add()]).toEqual([1, 2]);
    await server.stop();
    await server.forget();
    await server.start();
    expect([await ledger.object('a').add(), await ledger.object('a').add()]).toEqual([1, 2]);
    expect(await ledger.mark(1)).toBe(agent.pid);
  }, 60_000);

  it('two halves that do not see each other have the same objects: no update is lost', async () => {
    await using storage = await NatsServer.start();
    const { start: clusterPort } = await freePortRange(1);
    const cluster = (more: string): string => `cluster { name: c, no_advertise: true, ${more} }`;
    await using left = await NatsServer.start({
      config: cluster(`listen: "127.0.0.1:${clusterPort}"`),
      jetStream: false,
    });
    await using link = await tcpRelay(clusterPort);
    await using right = await NatsServer.start({
      config: cluster(`listen: "127.0.0.1:-1", routes: ["nats-route://127.0.0.1:${link.port}"]`),
      jetStream: false,
    });
    await using agents = new AsyncDisposableStack();
    agents.use(await LedgerAgent.start(left.url, storage.url));
    agents.use(await LedgerAgent.start(right.url, storage.url));
    await using bus = await busOn(left.url);
    await using otherBus = await busOn(right.url);
    const served = async (of: NatsBus): Promise<number> =>
      new Set(await Promise.all(Array.from({ length: 8 }, () => client(Ledger, { bus: of }).mark(0)))).size;
    await eventually(async () => (await served(bus)) === 2 && (await served(otherBus)) === 2, 10_000);
    link.refuse();
    await eventually(async () => (await served(bus)) === 1 && (await served(otherBus)) === 1, 10_000);
    const adds = async (of: NatsBus): Promise<number[]> => {
      const ledger = client(Ledger, { bus: of, timeoutMs: 20_000 });
      const add = async (): Promise<number> => {
        for (;;) {
          try {
            return await ledger.object('shared').add();
          } catch (thrown) {
            // The other half was faster too often, and nothing was saved.
            if ((thrown as ServicesError).code !== 'BERTH_SERVICE_STATE_CONFLICT') throw thrown;
          }
        }
      };
      return await Promise.all(Array.from({ length: 30 }, add));
    };
    const before = await Promise.all([adds(bus), adds(otherBus)]);
    link.mend();
    const after = await Promise.all([adds(bus), adds(otherBus)]);
    const results = [...before, ...after].flat().sort((a, b) => a - b);
    expect(results).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    await eventually(async () => (await served(bus)) === 2, 10_000);
  }, 60_000);
});
