import { createHash, type Hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { eventually, listening, localService, owning, settled, tcpRelay } from '@berth/testing';
import {
  idle,
  listens,
  type Relay,
  type RelayOptions,
  relayTo,
  send,
  TestCa,
  testAgent,
  testGateway,
} from '@berth/testing/system';

/** A socket, and what its end was: `end` for a FIN, else the error. */
interface Side {
  socket: Socket;
  ends: string[];
}

function side(socket: Socket): Side {
  const ends: string[] = [];
  socket.on('end', () => ends.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? error.message));
  return { socket, ends };
}

const clientOf = (port: number): Side => side(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));

interface Piped extends AsyncDisposable {
  relay: Relay;
  client: Side;
  service: Side;
}

/** A connection through gateway and agent, in the hands of the test at both ends. */
async function piped(options: RelayOptions = {}): Promise<Piped> {
  await using stack = new AsyncDisposableStack();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const { port } = stack.use(await listening(server));
  const relay = stack.use(await relayTo(`tcp://127.0.0.1:${port}`, options));
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = clientOf(relay.port);
  stack.defer(() => void client.socket.destroy());
  const [socket] = await accepted;
  return owning({ relay, client, service: side(socket) }, stack);
}

/** An agent in front of a service that sends back what it gets. */
async function echoing(options?: RelayOptions): Promise<Relay> {
  await using stack = new AsyncDisposableStack();
  const { port } = stack.use(await listening(createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))));
  return owning(stack.use(await relayTo(`tcp://127.0.0.1:${port}`, options)), stack);
}

/** Sends bytes, ends, and returns all that comes back until the end. */
async function exchanged(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

const BLOCK = randomBytes(1024 * 1024 + 7);

/** Writes blocks at the pace that the socket takes them, and ends it; counts what it has written. */
class Source {
  written = 0;
  readonly hash: Hash = createHash('sha256');

  constructor(
    private readonly socket: Socket,
    private left: number,
  ) {
    socket.on('drain', this.more);
    this.more();
  }

  private readonly more = (): void => {
    while (this.left > 0) {
      const bytes = BLOCK.subarray(0, Math.min(this.left, 65_536 + (this.left % 1000)));
      this.left -= bytes.length;
      this.written += bytes.length;
      this.hash.update(bytes);
      if (!this.socket.write(bytes)) return;
    }
    this.socket.end();
  };
}

describe('a port of raw TCP', () => {
  it('64 MiB each way at once, with readers that wait: bytes whole, and what is held has a bound', async () => {
    await using setup = await piped();
    const { relay, client, service } = setup;
    client.socket.pause();
    const size = 64 * 1024 * 1024;
    const sources = [new Source(client.socket, size), new Source(service.socket, size)];
    const held = await settled(() => sources.reduce((sum, { written }) => sum + written, 0));
    // Windows and the sockets' own buffers, of the system too.
    expect(held).toBeLessThan(48 * 1024 * 1024);
    const hashes = [service, client].map(async ({ socket }) => {
      const hash = createHash('sha256');
      socket.on('data', (bytes: Buffer) => hash.update(bytes));
      socket.resume();
      await once(socket, 'end');
      return hash.digest('hex');
    });
    const received = await Promise.all(hashes);
    expect(received).toEqual(sources.map(({ hash }) => hash.digest('hex')));
    await idle(relay.gateway);
  }, 60_000);

  it('halves end on their own: the client first, or the service', async () => {
    for (const [first, second] of [
      ['client', 'service'],
      ['service', 'client'],
    ] as const) {
      await using setup = await piped();
      const [one, other] = [setup[first], setup[second]];
      one.socket.end('asked');
      other.socket.resume();
      await once(other.socket, 'end');
      other.socket.end('answered');
      const [bytes] = (await once(one.socket.resume(), 'data')) as [Buffer];
      expect(String(bytes)).toBe('answered');
      await eventually(() => one.ends.length > 0);
      expect([one.ends, other.ends]).toEqual([['end'], ['end']]);
      await idle(setup.relay.gateway);
    }
  });

  it.each([
    ['the client', 'client', 'service'],
    ['the service', 'service', 'client'],
  ] as const)('a reset of %s is one at the other side', async (_name, first, second) => {
    await using setup = await piped();
    const [one, other] = [setup[first], setup[second]];
    other.socket.resume();
    // Not before both are connected.
    one.socket.write('x');
    await once(other.socket, 'data');
    one.socket.resetAndDestroy();
    await eventually(() => other.ends.length > 0);
    expect(other.ends).toEqual(['ECONNRESET']);
    await idle(setup.relay.gateway);
  });

  it('500 short connections, each with its own bytes back', async () => {
    await using relay = await echoing({ gateway: { tunnel: { slowStartMs: 0 } } });
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < 500; i = next++) {
        const bytes = Buffer.concat([Buffer.from(`${i} `), BLOCK.subarray(i, i + 1 + (i % 50) * 997)]);
        const back = await exchanged(relay.port, bytes);
        if (!back.equals(bytes)) throw new Error(`connection ${i}: ${back.length} of ${bytes.length} bytes`);
      }
    };
    await Promise.all(Array.from({ length: 25 }, worker));
    await idle(relay.gateway);
    const agent = (await (await fetch(`${relay.gateway.admin}/agents/agent-1`)).json()) as Record<string, unknown>;
    expect(agent).toMatchObject({ scheme: 'tcp', requests: 500, errors: 0 });
  });

  it('a service that speaks first is heard, with TLS all the way through', async () => {
    using ca = new TestCa();
    const { certFile, keyFile } = ca.issue('localhost', 'DNS:localhost');
    const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    await using service = await listening(createTlsServer(options, (socket) => socket.write('first')));
    await using relay = await relayTo(`tcp://127.0.0.1:${service.port}`);
    const socket: TLSSocket = connectTls({
      port: relay.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: readFileSync(ca.caFile),
    });
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    expect([String(bytes), socket.authorized]).toEqual(['first', true]);
    socket.destroy();
  });

  it('an agent that is lost in the middle: both ends see a reset, not an end', async () => {
    await using gateway = await testGateway();
    await using link = await tcpRelay(gateway.grpcPort);
    const server = createServer({ allowHalfOpen: true });
    await using service = await listening(server);
    await using agent = await testAgent({ grpcPort: link.port }, `tcp://127.0.0.1:${service.port}`);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = clientOf(agent.port);
    const local = side((await accepted)[0]);
    local.socket.write('half of');
    await once(client.socket, 'data');
    local.socket.resume();
    link.cut();
    await eventually(() => client.ends.length > 0 && local.ends.length > 0);
    expect([client.ends, local.ends]).toEqual([['ECONNRESET'], ['ECONNRESET']]);
  });

  it('a service that is away: the client sees a reset, and it is counted', async () => {
    const { port, close } = await listening(createServer());
    await close();
    await using relay = await relayTo(`tcp://127.0.0.1:${port}`);
    const client = clientOf(relay.port);
    await eventually(() => client.ends.length > 0);
    expect(client.ends).toEqual(['ECONNRESET']);
    const metrics = await (await fetch(`${relay.gateway.admin}/metrics`)).text();
    expect(metrics).toMatch(/code="BERTH_LOCAL_SERVICE_UNREACHABLE"[^\n]*} 1\n/);
  });

  it('outlives all times of HTTP while nothing moves; ingress.tcpIdleTimeoutMs ends it', async () => {
    const short = 300;
    const ingress = {
      responseTimeoutMs: short,
      bodyStartTimeoutMs: short,
      idleTimeoutMs: short,
      headersTimeoutMs: short,
      keepAliveTimeoutMs: short,
      halfCloseGraceMs: short,
    };
    {
      await using setup = await piped({ gateway: { ingress } });
      const { client, service } = setup;
      client.socket.end();
      await new Promise((resolve) => setTimeout(resolve, 4 * short));
      service.socket.write('still here');
      const [bytes] = (await once(client.socket, 'data')) as [Buffer];
      expect([String(bytes), client.ends]).toEqual(['still here', []]);
    }
    await using setup = await piped({ gateway: { ingress: { tcpIdleTimeoutMs: short } } });
    setup.service.socket.resume();
    await eventually(() => setup.client.ends.length > 0 && setup.service.ends.length > 0);
    expect([setup.client.ends, setup.service.ends]).toEqual([['ECONNRESET'], ['ECONNRESET']]);
  });

  it('when the gateway stops, pipes run for the grace, and are reset then', async () => {
    await using setup = await piped({ gateway: { agentPorts: { stopGraceMs: 1000 }, shutdown: { timeoutMs: 1000 } } });
    const { relay, client, service } = setup;
    service.socket.resume();
    const closed = relay.gateway.close();
    await eventually(async () => !(await listens(relay.port)));
    client.socket.write('last words');
    await once(service.socket, 'data');
    expect(client.ends).toEqual([]);
    await closed;
    await eventually(() => client.ends.length > 0 && service.ends.length > 0);
    expect([client.ends, service.ends]).toEqual([['ECONNRESET'], ['ECONNRESET']]);
  });

  it('counts to the limits of clients: one too many is reset, and HTTP ports have the same total', async () => {
    await using gateway = await testGateway({ agentPorts: { maxTotalConnections: 2, maxConnectionsPerAddress: 1 } });
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    await using raw = await listening(server);
    await using web = await localService((_, response) => response.end('web'));
    await using agent = await testAgent(gateway, web.port, { expose: { raw: `tcp://127.0.0.1:${raw.port}` } });
    const { services } = await agent.ready;
    const port = services.find(({ name }) => name === 'raw')?.port ?? 0;
    expect(services.map(({ url }) => url)).toEqual([`http://127.0.0.1:${agent.port}`, `tcp://127.0.0.1:${port}`]);
    const first = clientOf(port);
    first.socket.write('x');
    await once(first.socket, 'data');
    const second = clientOf(port);
    await eventually(() => second.ends.length > 0);
    expect([second.ends, first.ends]).toEqual([['ECONNRESET'], []]);
    expect((await send(agent.port)).text).toBe('web');
    const held = connect(agent.port, '127.0.0.1');
    await once(held, 'connect');
    await eventually(async () => (await send(agent.port)).text.includes('BERTH_TOO_MANY_CLIENTS'));
    for (const { socket } of [first, { socket: held }]) socket.destroy();
  });

  it('tells the service by the PROXY protocol who the client is', async () => {
    await using setup = await piped({ agent: { local: { proxyProtocol: 'v2' } } });
    const { relay, client, service } = setup;
    const [header] = (await once(service.socket.resume(), 'data')) as [Buffer];
    expect(header.length).toBe(28);
    expect([...header.subarray(16, 24)]).toEqual([127, 0, 0, 1, 127, 0, 0, 1]);
    expect([header.readUInt16BE(24), header.readUInt16BE(26)]).toEqual([client.socket.localPort, relay.port]);
  });
});
