import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { describeWithNats, disposable, eventually, NatsServer } from '@berth/testing';
import { keyOf } from '../../testing/store/samples.js';
import { NatsStore } from './nats-store.js';

describeWithNats('NatsStore in a cluster', () => {
  it('asks the leader alone once somebody gives the bucket replicas, or refuses to go on with servers that are too old', async () => {
    const servers = await NatsServer.startCluster(3);
    try {
      const urls = servers.map(({ url }) => url);
      // The servers have to find each other first.
      const opened = await eventually(() => NatsStore.open({ servers: urls }).catch(() => undefined), 20_000);
      await using store = disposable(opened, (it) => it.close());
      await using connection = disposable(await connect({ servers: urls }), (it) => it.close());
      const direct: string[] = [];
      connection.subscribe('$JS.API.DIRECT.>', { callback: (_error, { subject }) => void direct.push(subject) });
      expect(await store.save(keyOf('a'), 0, '1')).toBe(1);
      expect(await store.load(keyOf('a'))).toMatchObject({ version: 1 });
      await eventually(() => direct.length > 0);
      const { streams } = await jetstreamManager(connection);
      await streams.update('KV_berth', { num_replicas: 3 });

      const version = connection.info?.version ?? '';
      if (/^2\.(\d|10)\./.test(version)) {
        const refusal = await eventually(async () => {
          const loaded = store.load(keyOf('a')).then(() => undefined);
          return await loaded.catch((thrown: unknown) => thrown);
        }, 20_000);
        expect(refusal).toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
        expect((refusal as Error).message).toContain(`replicas is 3; NATS ${version} loses updates then`);
        await expect(store.save(keyOf('a'), 1, '2')).rejects.toThrow('replicas is 3');
        return;
      }
      await eventually(async () => {
        direct.length = 0;
        expect(await store.load(keyOf('a'))).toMatchObject({ version: 1, state: '1' });
        await connection.flush();
        return direct.length === 0;
      }, 20_000);
      expect(await store.save(keyOf('a'), 1, '2')).toBe(2);
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  }, 90_000);
});
