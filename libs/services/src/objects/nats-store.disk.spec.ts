import { describeWithNats, disposable, eventually, NatsServer, tcpRelay } from '@berth/testing';
import { later } from '../../testing/bus/lab.js';
import { keyOf } from '../../testing/store/samples.js';
import { steadyNow } from '../runtime/clock.js';
import { NatsStore } from './nats-store.js';

const open = async (port: number) =>
  disposable(await NatsStore.open({ servers: `nats://127.0.0.1:${port}` }), (store) => store.close());

describeWithNats('NatsStore and a server that has lost its disk', () => {
  it('takes no object for the one that it knew, though others have made one of its name, version and revision since', async () => {
    await using server = await NatsServer.start();
    await using relay = await tcpRelay(server.port);
    await using store = await open(relay.port);
    for (const id of ['a', 'b', 'c']) expect(await store.save(keyOf(id), 0, '"of before"')).toBe(1);
    relay.refuse();
    await eventually(() => store.health().state === 'down');
    const waiting = later(store.save(keyOf('a'), 1, '"made of it"', undefined, steadyNow() + 20_000));
    await server.kill();
    await server.forget();
    await server.start();
    await using other = await open(server.port);
    for (const id of ['a', 'b', 'c']) expect(await other.save(keyOf(id), 0, '"newer"')).toBe(1);
    relay.mend();
    // What waited is not made, nor what is made of it later, and who believes to know the newest is told that he does not.
    expect(await waiting).toBeUndefined();
    expect(await store.save(keyOf('b'), 1, '"made of it"')).toBeUndefined();
    expect(await store.load(keyOf('c'), 1, undefined, undefined, true)).toEqual({ version: 1, state: '"newer"' });
    for (const id of ['a', 'b', 'c']) expect(await store.load(keyOf(id))).toMatchObject({ state: '"newer"' });
    expect(await store.save(keyOf('b'), 1, '"made of the newer"')).toBe(2);
  }, 40_000);
});
