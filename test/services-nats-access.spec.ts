import {
  client,
  Method,
  Nats,
  NatsBus,
  type NatsOptions,
  NatsStore,
  Service,
  Services,
  type ServicesError,
} from 'berth-services';
import { describeWithNats, disposable, NatsServer } from '@berth/testing';
import { TestCa } from '@berth/testing/system';

@Service('Echo', { package: 'access' })
class Echo {
  @Method({ serveWithAgent: true, stateless: true }) same(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
  @Method({ serveWithAgent: true, stateless: true }) grow(bytes: number): Uint8Array {
    return new Uint8Array(bytes).fill(7);
  }
}

const MIB = 1024 * 1024;

/** What it failed with, or `connected`. */
async function outcome(connecting: Promise<{ close(): Promise<void> }>): Promise<string> {
  try {
    await (await connecting).close();
    return 'connected';
  } catch (thrown) {
    const { code, message } = thrown as ServicesError;
    return `${code}: ${message}`;
  }
}

async function served(nats: Nats): Promise<Services & AsyncDisposable> {
  const services = new Services({ services: [Echo], bus: nats.bus, store: nats.store });
  await services.startAgent(Echo);
  return disposable(services, (it) => it.close());
}

describeWithNats('the way to NATS', () => {
  it('is TLS with an authority of its own, and says what is wrong with certificates', async () => {
    using ca = new TestCa();
    using strange = new TestCa('another');
    const { certFile, keyFile } = ca.issue('nats', 'DNS:localhost');
    const own = ca.issue('client');
    const config = `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${ca.caFile}", verify: true }`;
    await using server = await NatsServer.start({ config });
    const servers = `tls://localhost:${server.port}`;
    const tls = { caFile: ca.caFile, ...own };
    {
      await using nats = await Nats.connect({ servers, connection: { tls } });
      await using _services = await served(nats);
      await using bus = disposable(await NatsBus.connect({ servers, connection: { tls } }), (it) => it.close());
      expect(await client(Echo, { bus }).same(Buffer.from('a'))).toEqual(Buffer.from('a'));
    }
    const refused = async (connection?: NatsOptions['connection'], to = servers): Promise<string> =>
      outcome(NatsBus.connect({ servers: to, connectTimeoutMs: 1500, connection }));
    // An authority that nobody named, one that did not sign, and a client without the certificate that is asked for.
    expect(await refused()).toMatch(/^BERTH_SERVICE_BUS_UNAVAILABLE: no connection .*: unable to verify the first/);
    expect(await refused({ tls: { ...own, caFile: strange.caFile } })).toMatch(/: unable to verify the first/);
    expect(await refused({ tls: { caFile: ca.caFile } })).toMatch(/^BERTH_SERVICE_BUS_UNAVAILABLE: no connection/);
    expect(await refused({ tls: { ...own, caFile: '/none' } })).toMatch(/\/none doesn't exist$/);
    const store = NatsStore.open({ servers, connectTimeoutMs: 1500, connection: { tls: { caFile: strange.caFile } } });
    expect(await outcome(store)).toMatch(/^BERTH_SERVICE_STORE_UNAVAILABLE: .*: unable to verify the first/);
    await using plain = await NatsServer.start({ jetStream: false });
    expect(await refused(undefined, `tls://localhost:${plain.port}`)).toMatch(/: server does not support 'tls'$/);
  }, 60_000);

  it('takes token, user and password, in the address or beside it', async () => {
    {
      await using server = await NatsServer.start({ config: 'authorization { token: "s/3" }' });
      const { port } = server;
      for (const options of [
        { servers: `nats://s%2F3@127.0.0.1:${port}` },
        { servers: server.url, connection: { token: 's/3' } },
      ])
        expect(await outcome(NatsBus.connect(options))).toBe('connected');
      for (const servers of [`nats://s%2F4@127.0.0.1:${port}`, server.url])
        expect(await outcome(NatsBus.connect({ servers }))).toMatch(
          /^BERTH_SERVICE_BUS_UNAVAILABLE: .*: Authorization V/,
        );
    }
    await using server = await NatsServer.start({ config: 'authorization { user: me, password: "p w" }' });
    const { port } = server;
    for (const options of [
      { servers: `nats://me:p%20w@127.0.0.1:${port}` },
      { servers: server.url, connection: { user: 'me', pass: 'p w' } },
    ])
      expect(await outcome(NatsBus.connect(options))).toBe('connected');
    const wrong = await outcome(NatsBus.connect({ servers: `nats://me:secret@127.0.0.1:${port}` }));
    expect(wrong).toMatch(/^BERTH_SERVICE_BUS_UNAVAILABLE: .*: Authorization Violation$/);
    expect(wrong).not.toContain('secret');
  }, 60_000);

  it('carries payloads of 4 MiB both ways where max_payload lets them through, and names it where not', async () => {
    const large = Buffer.alloc(4 * MIB, 'x');
    {
      await using server = await NatsServer.start();
      await using nats = await Nats.connect({ servers: server.url });
      await using _services = await served(nats);
      await using bus = disposable(await NatsBus.connect({ servers: server.url }), (it) => it.close());
      const echo = client(Echo, { bus, timeoutMs: 15_000 });
      for (const back of await Promise.all(Array.from({ length: 4 }, () => echo.same(large))))
        expect(large.equals(back)).toBe(true);
      await expect(echo.same(Buffer.alloc(4 * MIB + 1))).rejects.toMatchObject({
        code: 'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
      });
    }
    await using server = await NatsServer.start({ maxPayload: MIB });
    await using nats = await Nats.connect({ servers: server.url });
    await using _services = await served(nats);
    await using bus = disposable(await NatsBus.connect({ servers: server.url }), (it) => it.close());
    const echo = client(Echo, { bus, timeoutMs: 5000 });
    const bound = 'max_payload of the NATS server, less 65536, is 983040';
    const tooLarge = { code: 'BERTH_SERVICE_PAYLOAD_TOO_LARGE', message: expect.stringContaining(bound) };
    await expect(echo.same(large)).rejects.toMatchObject(tooLarge);
    await expect(echo.grow(MIB)).rejects.toMatchObject({
      code: 'BERTH_SERVICE_BAD_RESULT',
      message: `the reply has ${MIB} bytes; ${bound}`,
    });
  }, 60_000);
});
