import { describeWithNats, disposable, eventually, NatsServer } from '@berth/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { sampleLetter } from '../../testing/sample-letter.js';
import { NatsStore } from '../objects/nats-store.js';

describeWithNats('dead letters in a cluster of three NATS servers', () => {
  it('keep the replicas that somebody gave them, and are read where they are removed', async () => {
    const servers = await NatsServer.startCluster(3);
    try {
      const urls = servers.map(({ url }) => url);
      const open = async (at: number) =>
        // The servers have to find each other first.
        disposable(await eventually(() => NatsStore.open({ servers: urls[at] }).catch(() => undefined), 20_000), (it) =>
          it.close(),
        );
      await using first = await open(0);
      await first.deadLetters();
      await using connection = disposable(await connect({ servers: urls }), (it) => it.close());
      const { streams } = await jetstreamManager(connection);
      // As an operator, or a process with another setting, does it.
      await streams.update('berth-letters', { num_replicas: 3, allow_direct: true });
      await eventually(async () => {
        const info = await streams.info('berth-letters').catch(() => undefined);
        return info?.cluster?.replicas?.filter(({ current }) => current).length === 2;
      }, 20_000);

      await using second = await open(1);
      const letters = await second.deadLetters({ deadLetterTotal: 7 });
      const { config } = await streams.info('berth-letters');
      expect(config).toMatchObject({ num_replicas: 3, max_msgs: 7 });

      // Any replica may answer a direct question, one that is behind too.
      const direct: string[] = [];
      connection.subscribe('$JS.API.DIRECT.>', { callback: (_error, { subject }) => void direct.push(subject) });
      await connection.flush();
      await using third = await open(2);
      const others = [await first.deadLetters({ deadLetterTotal: 7 }), await third.deadLetters({ deadLetterTotal: 7 })];
      for (let i = 0; i < 20; i += 1) {
        const one = sampleLetter();
        await letters.add(one);
        expect(await Promise.all(others.map((it) => it.get('shop.Counter', 0, one.id)))).toMatchObject([{}, {}]);
        await letters.remove('shop.Counter', 0, one.id);
        expect(await Promise.all(others.map((it) => it.list('shop.Counter', 0, 1)))).toEqual([[], []]);
      }
      expect(direct).toEqual([]);
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  }, 90_000);
});
