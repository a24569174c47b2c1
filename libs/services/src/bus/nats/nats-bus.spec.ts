import { connect } from '@nats-io/transport-node';
import { describeWithNats, disposable, eventually, NatsServer, tcpRelay } from '@berth/testing';
import {
  answering,
  codeOf,
  HeldHandler,
  invocation,
  later,
  ofObject,
  okay,
  SERVICE,
  subscription,
  textOf,
} from '../../../testing/bus/lab.js';
import { NatsBus, type NatsBusOptions } from './nats-bus.js';

const AT_MOST_ONCE = { delivery: 'at-most-once' } as const;
const MIB = 1024 * 1024;

const open = async (options: NatsBusOptions) => disposable(await NatsBus.connect(options), (bus) => bus.close());

describeWithNats('NatsBus', () => {
  it('B14: the keys are the subjects of calls, and stand in them to the letter', async () => {
    await using server = await NatsServer.start();
    const connection = await connect({ servers: server.url });
    const seen: string[] = [];
    connection.subscribe('berth.to.*.oprc.>', {
      callback: (_error, { subject, data }) => {
        const [, , , ...key] = subject.split('.');
        seen.push(`${key.join('.')} ${/"(oprc\/[^"]*)"/.exec(Buffer.from(data).toString())?.[1]}`);
      },
    });
    await connection.flush();
    await using agent = await open({ servers: server.url });
    await using caller = await open({ servers: server.url });
    await agent.serve(subscription({ partition: 7 }), answering('done'));
    await caller.invoke(ofObject('o.1', { partition: 7 }), AT_MOST_ONCE);
    await caller.invoke(invocation({ partition: 7 }), AT_MOST_ONCE);
    await connection.flush();
    await connection.close();
    expect(seen).toEqual([
      `oprc.${SERVICE}.7.objects.o%2E1.invokes.add oprc/${SERVICE}/7/objects/o.1/invokes/add`,
      `oprc.${SERVICE}.7.invokes.add oprc/${SERVICE}/7/invokes/add`,
    ]);
  });

  it('a subject that it may not hear costs what comes there, and no more', async () => {
    const denied =
      'authorization { users: [{ user: u, password: p, permissions: { subscribe: { deny: ["berth.who"] } } }] }';
    await using server = await NatsServer.start({ config: denied });
    const servers = server.url.replace('//', '//u:p@');
    await using agent = await open({ servers });
    await agent.serve(subscription(), answering('done'));
    expect(textOf(await agent.invoke(ofObject('a', { deadline: Date.now() + 5_000 }), AT_MOST_ONCE))).toBe('done');
    expect(agent.health().state).toBe('up');
  }, 20_000);

  it('payloads of 4 MiB pass where the server takes them; else the server is named', async () => {
    await using wide = await NatsServer.start();
    await using narrow = await NatsServer.start({ maxPayload: MIB });
    for (const [server, ends] of [
      [wide, 'passes'],
      [narrow, 'BERTH_SERVICE_PAYLOAD_TOO_LARGE'],
    ] as const) {
      await using agent = await open({ servers: server.url });
      await using caller = await open({ servers: server.url });
      await agent.serve(subscription(), (delivery) => Promise.resolve(okay(delivery, delivery.invocation.payload)));
      const call = later(caller.invoke(invocation({ payload: Buffer.alloc(4 * MIB, 'x') }), AT_MOST_ONCE));
      if (ends === 'passes') expect((await call).payload?.length).toBe(4 * MIB);
      else
        await expect(call).rejects.toMatchObject({
          code: ends,
          message: expect.stringContaining('max_payload of the NATS server') as string,
        });
      expect(textOf(await caller.invoke(invocation({ payload: Buffer.from('small') }), AT_MOST_ONCE))).toBe('small');
    }
  });

  it('10,000 objects at once are answered, each once', async () => {
    await using server = await NatsServer.start();
    // This process is busy for longer than a process may be silent.
    const patient = { servers: server.url, workerTimeoutMs: 10_000 };
    await using first = await open(patient);
    await using second = await open(patient);
    const begun = new Set<string>();
    for (const bus of [first, second])
      await bus.serve(subscription({ concurrency: 64 }), (delivery) => {
        begun.add(`${delivery.invocation.objectId}`);
        return answering('done')(delivery);
      });
    await using caller = await open(patient);
    const calls = Array.from({ length: 10_000 }, (_, i) => caller.invoke(ofObject(`object ${i}`), AT_MOST_ONCE));
    expect(new Set((await Promise.all(calls)).map(textOf))).toEqual(new Set(['done']));
    expect(begun.size).toBe(10_000);
  }, 40_000);

  it('10,000 agents of one object each, in one process, are known to all others, and go again', async () => {
    await using server = await NatsServer.start();
    const options = { servers: server.url, workerTimeoutMs: 10_000 };
    await using agent = await open(options);
    await using before = await open(options);
    const ids = Array.from({ length: 10_000 }, (_, i) => `object ${i}`);
    const agents = await Promise.all(
      ids.map((objectId) => agent.serve(subscription({ objectId }), answering(objectId))),
    );
    await using after = await open(options);
    for (const caller of [before, after])
      for (const id of [ids[0] ?? '', ids[9_999] ?? ''])
        expect(textOf(await caller.invoke(ofObject(id), AT_MOST_ONCE))).toBe(id);
    await Promise.all(agents.map((one) => one.stop(0)));
    expect(await codeOf(after.invoke(ofObject('object 1'), AT_MOST_ONCE))).toBe('BERTH_SERVICE_NO_AGENT');
  }, 60_000);

  it('a name that is too long for a subject costs no connection', async () => {
    await using server = await NatsServer.start();
    await using agent = await open({ servers: server.url });
    await using caller = await open({ servers: server.url });
    const method = 'm'.repeat(5_000);
    await agent.serve(subscription({ statelessMethods: [method] }), answering('done'));
    expect(textOf(await caller.invoke(invocation({ method }), AT_MOST_ONCE))).toBe('done');
  });

  it('an agent stops although the broker is away, or goes meanwhile, and others were there', async () => {
    await using server = await NatsServer.start();
    await using link = await tcpRelay(server.port);
    await using agent = await open({ servers: `nats://127.0.0.1:${link.port}` });
    await using other = await open({ servers: server.url });
    const held = new HeldHandler();
    const idle = await agent.serve(subscription(), held.handle);
    const busy = await agent.serve(subscription({ service: 'a.Busy' }), held.handle);
    await other.serve(subscription(), held.handle);
    const running = later(other.invoke(invocation({ service: 'a.Busy' }), AT_MOST_ONCE));
    await eventually(() => held.begun.length === 1);
    const stopping = busy.stop(60_000);
    link.refuse();
    await eventually(() => idle.state === 'reconnecting');
    held.answer('late');
    await Promise.all([idle.stop(60_000), stopping]);
    link.mend();
    expect(textOf(await running)).toBe('late');
  }, 20_000);

  it('a connection that breaks costs a call its certainty at most, and agents come back by themselves', async () => {
    await using server = await NatsServer.start();
    await using link = await tcpRelay(server.port);
    await using agent = await open({ servers: `nats://127.0.0.1:${link.port}` });
    await using caller = await open({ servers: server.url });
    const held = new HeldHandler();
    const subscribed = await agent.serve(subscription(), held.handle);
    const running = later(caller.invoke(invocation(), AT_MOST_ONCE));
    await eventually(() => held.begun.length === 1);
    link.refuse();
    await eventually(() => subscribed.state === 'reconnecting');
    // Kept until the caller asks for it.
    held.answer('late');
    link.mend();
    expect(textOf(await running)).toBe('late');
    await eventually(() => subscribed.state === 'running');
    const again = later(caller.invoke(ofObject('a'), AT_MOST_ONCE));
    await eventually(() => held.begun.length === 2);
    held.answer('again');
    expect(textOf(await again)).toBe('again');
  });

  it('connections that break on either side cost no call: it is asked for, or sent again if it never came', async () => {
    await using server = await NatsServer.start();
    await using agents = await tcpRelay(server.port);
    await using callers = await tcpRelay(server.port);
    await using agent = await open({ servers: `nats://127.0.0.1:${agents.port}` });
    await using caller = await open({ servers: `nats://127.0.0.1:${callers.port}` });
    const begun: string[] = [];
    await agent.serve(subscription({ concurrency: 100 }), async (delivery) => {
      begun.push(delivery.invocation.id);
      await new Promise((resolve) => setImmediate(resolve));
      return okay(delivery);
    });
    let going = true;
    const lane = async (i: number): Promise<number> => {
      let answered = 0;
      for (; going; answered += 1)
        await caller.invoke(i % 2 === 0 ? invocation() : ofObject(`object ${i}`), AT_MOST_ONCE);
      return answered;
    };
    const lanes = Array.from({ length: 32 }, (_, i) => lane(i));
    try {
      for (let i = 0; i < 10; i += 1) {
        const before = begun.length;
        await eventually(() => begun.length > before + 200, 15_000);
        (i % 2 === 0 ? agents : callers).cut();
      }
    } finally {
      going = false;
    }
    const answered = (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0);
    expect(begun).toHaveLength(answered);
    expect(new Set(begun).size).toBe(answered);
  }, 60_000);

  it('a broker that is away: calls wait for it until their deadline, agents cannot start', async () => {
    await using server = await NatsServer.start();
    await using bus = await open({ servers: server.url, connectTimeoutMs: 200 });
    await bus.serve(subscription(), answering('done'));
    await server.kill();
    await eventually(() => bus.health().state === 'down');
    expect(bus.health().reason).toBe(`no connection to 127.0.0.1:${server.port}`);
    const call = later(bus.invoke(invocation({ deadline: Date.now() + 200 }), AT_MOST_ONCE));
    expect(await codeOf(call)).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    expect(await codeOf(bus.serve(subscription(), answering('')))).toBe('BERTH_SERVICE_BUS_UNAVAILABLE');
    const waiting = bus.invoke(invocation(), AT_MOST_ONCE);
    await server.start();
    expect(textOf(await waiting)).toBe('done');
  }, 40_000);

  it('user and password, or a token, may stand in the address', async () => {
    for (const [config, login] of [
      ['authorization { user: "u", password: "p@ss/word" }', 'u:p%40ss%2Fword@'],
      ['authorization { token: "t0ken" }', 't0ken@'],
    ] as const) {
      await using server = await NatsServer.start({ config });
      await using bus = await open({ servers: server.url.replace('//', `//${login}`) });
      await bus.serve(subscription(), answering('done'));
      expect(textOf(await bus.invoke(invocation(), AT_MOST_ONCE))).toBe('done');
      const refused = NatsBus.connect({ servers: server.url.replace('//', '//u:secret-word@') });
      await expect(refused).rejects.toMatchObject({ code: 'BERTH_SERVICE_BUS_UNAVAILABLE' });
      await expect(refused).rejects.not.toThrow('secret-word');
    }
  });

  it('says in one line why it cannot connect, without a password, and leaves a given connection open', async () => {
    const connecting = NatsBus.connect({ servers: 'nats://user:secret-word@127.0.0.1:1', connectTimeoutMs: 200 });
    await expect(connecting).rejects.toMatchObject({ code: 'BERTH_SERVICE_BUS_UNAVAILABLE' });
    await expect(connecting).rejects.toThrow(/^no connection to NATS at 127\.0\.0\.1:1, tried for 200 ms at most: /);
    await expect(NatsBus.connect({ prefix: 'a b' })).rejects.toThrow("prefix 'a b'");
    await using server = await NatsServer.start();
    const client = await connect({ servers: server.url });
    const bus = await NatsBus.connect({ client });
    await bus.close();
    expect(client.isClosed()).toBe(false);
    await client.close();
  });
});
