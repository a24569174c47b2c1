import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { describeWithNats, disposable, eventually, NatsServer, tcpRelay } from '@berth/testing';
import { codeOf, later } from '../../testing/bus/lab.js';
import { keyOf, remember, replyOf } from '../../testing/store/samples.js';
import { NatsBus } from '../bus/nats/nats-bus.js';
import type { NatsStoreOptions } from './nats/options.js';
import { NatsStore } from './nats-store.js';

const open = async (options: NatsStoreOptions) => disposable(await NatsStore.open(options), (store) => store.close());

describeWithNats('NatsStore', () => {
  it('waits for a server that is away, until the deadline, and finds it again with what it had', async () => {
    await using server = await NatsServer.start();
    await using store = await open({ servers: server.url, operationTimeoutMs: 300 });
    expect(await store.save(keyOf('a'), 0, '1', remember('k'))).toBe(1);
    await server.kill();
    await eventually(() => store.health().state === 'down');
    expect(store.health().reason).toContain('no connection');
    expect(await codeOf(store.load(keyOf('a'), undefined, undefined, Date.now() + 200))).toBe('BERTH_SERVICE_TIMEOUT');
    expect(await codeOf(store.load(keyOf('a')))).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    expect(await codeOf(store.save(keyOf('a'), 1, '2', undefined, Date.now() + 200))).toBe('BERTH_SERVICE_TIMEOUT');
    const pending = later(store.save(keyOf('a'), 1, '2', undefined, Date.now() + 20_000));
    await server.start();
    expect(await pending).toBe(2);
    expect(await store.load(keyOf('a'), undefined, 'k')).toMatchObject({
      ...{ version: 2, state: '2', reply: { invocationId: 'k' } },
    });
  }, 40_000);

  it('a save whose answer is lost is sent again, and made once', async () => {
    await using server = await NatsServer.start();
    await using relay = await tcpRelay(server.port);
    await using store = await open({ servers: `nats://127.0.0.1:${relay.port}` });
    await using other = await open({ servers: server.url });
    for (let i = 0; i < 20; i += 1) {
      const saving = later(store.save(keyOf('a'), i, String(i), undefined, Date.now() + 20_000));
      // Some are cut before the server has read them, some before it has answered.
      if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      relay.cut();
      expect(await saving).toBe(i + 1);
    }
    expect((await other.load(keyOf('a'))).version).toBe(20);
  }, 60_000);

  it('a server that stands still: what was sent has an unknown outcome, and nothing hangs', async () => {
    await using server = await NatsServer.start();
    await using store = await open({ servers: server.url });
    await store.save(keyOf('a'), 0, '1');
    await server.pause();
    const deadline = Date.now() + 300;
    const sent = [store.save(keyOf('a'), 1, '2', undefined, deadline)];
    // What it would be made from could not even be read.
    const notSent = store.save(keyOf('b'), 1, '2', undefined, deadline);
    const remembered = store.rememberReply('scope', remember('k'), deadline);
    expect(await Promise.all([...sent, notSent, remembered].map((save) => codeOf(later<unknown>(save))))).toEqual([
      ...['BERTH_SERVICE_OUTCOME_UNKNOWN', 'BERTH_SERVICE_TIMEOUT', 'BERTH_SERVICE_OUTCOME_UNKNOWN'],
    ]);
    server.resume();
  }, 20_000);

  it('values that take longer over a slow connection than a try lasts come all the same', async () => {
    await using server = await NatsServer.start();
    await using relay = await tcpRelay(server.port);
    await using store = await open({ servers: `nats://127.0.0.1:${relay.port}` });
    relay.delay(1_300);
    const deadline = (): number => Date.now() + 25_000;
    expect(await store.save(keyOf('a'), 0, '1', remember('k'), deadline())).toBe(1);
    await using other = await open({ servers: server.url });
    expect(await other.save(keyOf('a'), 1, '2')).toBe(2);
    expect(await store.load(keyOf('a'), undefined, 'k', deadline())).toMatchObject({
      ...{ version: 2, state: '2', reply: { invocationId: 'k' } },
    });
  }, 60_000);

  it('who knows the newest version is believed, and writes at once; what others wrote shows then', async () => {
    await using server = await NatsServer.start();
    await using client = disposable(await connect({ servers: server.url }), (connection) => connection.close());
    await using store = await open({ client });
    await using other = await open({ servers: server.url });
    const trusting = (known: number, key?: string) => store.load(keyOf('a'), known, key, undefined, true);
    expect(await store.save(keyOf('a'), 0, '1', remember('k'))).toBe(1);
    const { outMsgs } = client.stats();
    expect(await trusting(1)).toEqual({ version: 1, unasked: true });
    expect(await trusting(1, 'new')).toEqual({ version: 1, unasked: true });
    expect(await store.save(keyOf('a'), 1, '2')).toBe(2);
    expect(client.stats().outMsgs).toBe(outMsgs + 1);
    // Neither another version nor a reply is answered by what may be old.
    expect((await trusting(1)).state).toBe('2');
    expect((await trusting(2, 'k')).reply?.invocationId).toBe('k');
    expect(await other.delete(keyOf('a'))).toBe(true);
    expect(await store.save(keyOf('a'), 2, '3')).toBeUndefined();
    expect(await trusting(2)).toMatchObject({ version: 0 });
    expect(await store.save(keyOf('a'), 0, undefined, remember('k2'))).toBe(0);
    // The same version with another reply: the save is made on top of it.
    expect(await other.save(keyOf('a'), 0, undefined, remember('k3'))).toBe(0);
    expect(await store.save(keyOf('a'), 0, '4')).toBe(4);
    for (const key of ['k2', 'k3']) expect((await other.load(keyOf('a'), 4, key)).reply?.invocationId).toBe(key);
  });

  it('of two replies with one key the first counts, also for one who believed that he knew the newest version', async () => {
    await using server = await NatsServer.start();
    await using store = await open({ servers: server.url });
    await using other = await open({ servers: server.url });
    expect(await store.save(keyOf('a'), 0, '1')).toBe(1);
    expect(await other.save(keyOf('a'), 1, undefined, remember('k', 60_000, replyOf('first')))).toBe(1);
    expect(await store.load(keyOf('a'), 1, 'k', undefined, true)).toEqual({ version: 1, unasked: true });
    const again = remember('k', 60_000, replyOf('second'));
    for (const state of [undefined, '2']) expect(await store.save(keyOf('a'), 1, state, again)).toBeUndefined();
    expect(await store.load(keyOf('a'), 1, 'k')).toMatchObject({ version: 1, reply: { invocationId: 'first' } });
  });

  it('leaves nothing at a connection that is its owner’s', async () => {
    await using server = await NatsServer.start();
    await using client = disposable(await connect({ servers: server.url }), (connection) => connection.close());
    const { protocol } = client as unknown as {
      readonly protocol: { readonly listeners: unknown[]; readonly subscriptions: { size(): number } };
    };
    const once = async (): Promise<readonly [listeners: number, subscriptions: number]> => {
      await (await NatsStore.open({ client })).close();
      await (await NatsBus.connect({ client })).close();
      await NatsStore.open({ client, bucket: 'b'.repeat(100), replicas: 5 }).catch(() => undefined);
      await client.flush();
      return [protocol.listeners.length, protocol.subscriptions.size()];
    };
    const first = await once();
    expect(await once()).toEqual(first);
  });

  it('a value that somebody deleted or purged with the tools of NATS is an object that was never saved', async () => {
    await using server = await NatsServer.start();
    await using client = disposable(await connect({ servers: server.url }), (connection) => connection.close());
    await using store = await open({ client });
    const values = await new Kvm(client).open('berth');
    await store.save(keyOf('a'), 0, '1');
    await store.save(keyOf('b'), 0, '1');
    await using other = await open({ servers: server.url });
    await values.delete('shop.Cart.0.objects.a');
    await values.purge('shop.Cart.0.objects.b');
    for (const key of [keyOf('a'), keyOf('b')]) {
      expect(await other.load(key)).toMatchObject({ version: 0, state: undefined });
      const version = await other.save(key, 0, '2');
      expect(await store.save(key, 1, '"of the old"')).toBeUndefined();
      expect(await store.load(key, 1)).toMatchObject({ version, state: '2' });
    }
  });

  it('a server that comes back without its disk gets its buckets again, and no object is taken for known', async () => {
    await using server = await NatsServer.start();
    await using store = await open({ servers: server.url });
    await store.save(keyOf('a'), 0, '1');
    await server.kill();
    await eventually(() => store.health().state === 'down');
    await server.forget();
    await server.start();
    await eventually(() => store.health().state === 'up');
    expect(await store.load(keyOf('a'), 1, undefined, Date.now() + 20_000, true)).toMatchObject({ version: 0 });
    expect(await store.save(keyOf('a'), 0, '2')).toBe(1);
    await store.rememberReply('scope', remember('k'));
    expect((await store.recallReply('scope', 'k'))?.invocationId).toBe('k');
  }, 40_000);

  it.each([true, false])(
    'a bucket that somebody deletes is made again, if any server may be asked: %s',
    async (direct) => {
      await using server = await NatsServer.start();
      await using store = await open({ servers: server.url });
      const connection = await connect({ servers: server.url });
      const { streams } = await jetstreamManager(connection);
      // As one with replicas, whose leader alone is asked.
      await streams.update('KV_berth', { allow_direct: direct });
      await using other = await open({ servers: server.url });
      for (const one of [store, other]) {
        await one.save(keyOf('a'), 0, '1');
        await streams.delete('KV_berth');
        expect(await one.load(keyOf('a'))).toMatchObject({ version: 0 });
        expect(await one.save(keyOf('a'), 0, '"new"')).toBe(1);
        expect(await one.load(keyOf('a'))).toMatchObject({ version: 1, state: '"new"' });
        await one.delete(keyOf('a'));
      }
      await connection.close();
    },
  );

  it('only the newest replies of an object are kept, and those that the server has room for', async () => {
    await using server = await NatsServer.start({ maxPayload: 1024 * 1024 });
    await using store = await open({ servers: server.url, maxRepliesPerObject: 3, maxStateBytes: 2_000_000 });
    for (let i = 0; i < 5; i += 1) await store.save(keyOf('a'), i, '1', remember(`k${i}`));
    const known = async (id: string): Promise<boolean> => (await store.load(keyOf('a'), 5, id)).reply !== undefined;
    expect(await Promise.all(['k0', 'k1', 'k2', 'k3', 'k4'].map(known))).toEqual([false, false, true, true, true]);
    const payload = Buffer.alloc(500_000);
    const large = (id: string) => ({ idempotencyKey: id, ttlMs: 60_000, reply: { ...remember(id).reply, payload } });
    await store.save(keyOf('a'), 5, '1', large('l1'));
    await store.save(keyOf('a'), 6, '1', large('l2'));
    expect([await known('l1'), await known('l2')]).toEqual([false, true]);
    const tooLarge = store.save(keyOf('a'), 7, JSON.stringify('x'.repeat(1_000_000)));
    await expect(tooLarge).rejects.toMatchObject({ code: 'BERTH_SERVICE_PAYLOAD_TOO_LARGE' });
    await expect(tooLarge).rejects.toThrow('max_payload');
  });

  it('a full store says so', async () => {
    await using server = await NatsServer.start();
    await using store = await open({ servers: server.url, operationTimeoutMs: 500 });
    const connection = await connect({ servers: server.url });
    const manager = await jetstreamManager(connection);
    await manager.streams.update('KV_berth', { max_bytes: 100_000 });
    await connection.close();
    const state = JSON.stringify('x'.repeat(30_000));
    const saves = Array.from({ length: 5 }, (_, i) => store.save(keyOf(`object ${i}`), 0, state));
    const ends = await Promise.allSettled(saves);
    const failed = ends.filter((end) => end.status === 'rejected').map(({ reason }) => reason as Error);
    expect(failed.length).toBeGreaterThan(0);
    for (const error of failed) {
      expect(error).toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
      expect(error.message).toContain('maximum bytes exceeded');
    }
  });

  it('asks for JetStream where there is none, and only there', async () => {
    await using server = await NatsServer.start({ jetStream: false });
    await expect(NatsStore.open({ servers: server.url })).rejects.toThrow(/^the bucket 'berth' .*is JetStream enabled/);
    await using other = await NatsServer.start();
    // A single server has nowhere to put a second copy, and one that is old would lose updates.
    const refused = NatsStore.open({ servers: other.url, replicas: 2 });
    await expect(refused).rejects.toThrow('replicas');
    await expect(refused).rejects.not.toThrow('JetStream enabled');
  });

  it('says in one line why it cannot be opened, without a password', async () => {
    const servers = 'nats://user:secret-word@127.0.0.1:1';
    const refused = NatsStore.open({ servers, connectTimeoutMs: 200 });
    await expect(refused).rejects.toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
    await expect(refused).rejects.toThrow(/^no connection to NATS at 127\.0\.0\.1:1, tried for 200 ms at most: /);
    for (const [options, problem] of [
      [{ bucket: 'a b' }, "bucket 'a b'"],
      [{ replicas: 6 }, 'replicas is 6'],
      [{ storage: 'disk' as 'file' }, "storage is 'disk'"],
      [{ maxStateBytes: 0 }, 'maxStateBytes is 0'],
      [{ connectTimeoutMs: 2 ** 31 }, 'connectTimeoutMs is 2147483648'],
      [{ servers: 'http://secret-word@x' }, 'servers must be nats://'],
      [{ servers: 'nats://user:secret-word-100%@x' }, "a '%' in user and password is %25"],
    ] as const) {
      const opened = NatsStore.open(options);
      await expect(opened).rejects.toMatchObject({ code: 'BERTH_SERVICE_INVALID' });
      await expect(opened).rejects.toThrow(problem);
      await expect(opened).rejects.not.toThrow('secret-word');
    }
  });
});
