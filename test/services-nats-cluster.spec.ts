import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { BerthError } from '@berth/errors';
import { describeWithNats, disposable, eventually, NatsServer } from '@berth/testing';
import { InvocationStatus, NatsStore, steadyNow } from 'berth-services';

const SERVERS = 3;
const OBJECTS = 4;
const LANES = 8;
/** What a store may say while a server is gone. */
const HONEST = ['BERTH_SERVICE_TIMEOUT', 'BERTH_SERVICE_OUTCOME_UNKNOWN', 'BERTH_SERVICE_STORE_UNAVAILABLE'];

const keyOf = (object: number) => ({ service: 'shop.Cart', partition: 0, objectId: `object ${object}` });

/** Whether revisions hold where a value has replicas: Debian's 2.9 takes two writes that name the same one. */
async function isSafe({ url }: NatsServer): Promise<boolean> {
  await using connection = disposable(await connect({ servers: url }), (it) => it.close());
  const [major = 0, minor = 0] = (connection.info?.version ?? '').split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 11);
}

/** The server that the writes of the objects' bucket go through. */
async function leaderOf(servers: readonly NatsServer[]): Promise<NatsServer> {
  await using connection = disposable(await connect({ servers: servers.map(({ url }) => url) }), (it) => it.close());
  const manager = await jetstreamManager(connection);
  const { cluster } = await manager.streams.info('KV_berth');
  const leader = servers[Number(cluster?.leader?.slice(1))];
  if (leader === undefined) throw new Error('no leader');
  return leader;
}

describeWithNats('objects in a cluster of three NATS servers', () => {
  it('lose no update and double none while the leader is killed and comes back, or are refused at once', async () => {
    const servers = await NatsServer.startCluster(SERVERS);
    const stores: NatsStore[] = [];
    try {
      const urls = servers.map(({ url }) => url);
      if (!(await isSafe(servers[0] as NatsServer))) {
        const opened = NatsStore.open({ servers: urls, replicas: SERVERS });
        await expect(opened).rejects.toThrow(/replicas is 3; NATS 2\.\d+\.\d+ loses updates then/);
        return;
      }
      for (let i = 0; i < 2; i += 1)
        await eventually(async () => {
          // The servers have to find each other first.
          const opened = await NatsStore.open({ servers: urls, replicas: SERVERS }).catch(() => undefined);
          if (opened !== undefined) stores.push(opened);
          return opened !== undefined;
        }, 20_000);
      const errors: string[] = [];
      const ended = { now: false };
      const confirmed = Array<number>(OBJECTS).fill(0);

      /** One more for an object, tried with one key until it is known to be made. */
      const add = async (store: NatsStore, object: number, key: string): Promise<void> => {
        const reply = { status: InvocationStatus.OKAY, headers: {}, invocationId: key };
        for (;;) {
          try {
            const deadline = steadyNow() + 3_000;
            const { version, state = '0', reply: known } = await store.load(keyOf(object), undefined, key, deadline);
            if (known !== undefined) return;
            const remembered = { idempotencyKey: key, reply, ttlMs: 60_000 };
            const next = String(Number(state) + 1);
            if ((await store.save(keyOf(object), version, next, remembered, deadline)) !== undefined) return;
          } catch (thrown) {
            errors.push(BerthError.from(thrown).code);
          }
        }
      };
      const lane = async (at: number): Promise<void> => {
        const object = at % OBJECTS;
        for (let i = 0; !ended.now; i += 1) {
          await add(stores[at % stores.length] as NatsStore, object, `${at}/${i}`);
          confirmed[object] = (confirmed[object] ?? 0) + 1;
        }
      };
      const lanes = Array.from({ length: LANES }, (_, at) => lane(at));
      const total = (): number => confirmed.reduce((sum, count) => sum + count, 0);
      const goesOn = async (): Promise<void> => {
        const before = total();
        await eventually(() => total() > before + 2 * LANES, 20_000);
      };
      await goesOn();
      const leader = await leaderOf(servers);
      await leader.kill();
      await goesOn();
      await leader.start();
      await goesOn();
      await sleep(500);
      ended.now = true;
      await Promise.all(lanes);

      const counts = await Promise.all(
        confirmed.map(async (_, object) => Number((await (stores[0] as NatsStore).load(keyOf(object))).state)),
      );
      expect(counts).toEqual(confirmed);
      expect(errors.filter((code) => !HONEST.includes(code))).toEqual([]);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
      await Promise.all(servers.map((server) => server.close()));
    }
  }, 90_000);
});
