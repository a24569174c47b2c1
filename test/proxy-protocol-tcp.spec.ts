import { createServer, type Socket } from 'node:net';
import { eventually, listening, owning } from '@berth/testing';
import {
  askAs,
  behindProxy,
  idle,
  logLines,
  type PortAccess,
  PROXY_V1,
  PROXY_V2,
  proxied,
  relayTo,
  testAgent,
  testGateway,
  warningsOf,
} from '@berth/testing/system';

describe('the PROXY protocol before raw TCP', () => {
  async function raw(onSocket: (socket: Socket) => void, access: PortAccess = {}, agent: object = {}) {
    await using stack = new AsyncDisposableStack();
    const { port } = stack.use(await listening(createServer({ allowHalfOpen: true }, onSocket)));
    const log = logLines();
    const gateway = stack.use(await testGateway({ policies: behindProxy(access) }, 4, log.log));
    const running = stack.use(await testAgent(gateway, `tcp://127.0.0.1:${port}`, agent));
    return owning({ port: running.port, log, gateway }, stack);
  }

  it('the bytes behind the header pass, and a half that ends right behind it', async () => {
    await using setup = await raw((socket) => socket.pipe(socket));
    for (const header of [PROXY_V1, PROXY_V2]) {
      using client = await proxied(setup.port);
      client.socket.end(Buffer.from(`${header}bytes`, 'latin1'));
      await eventually(() => client.ended);
      expect(client.text()).toBe('bytes');
      using silent = await proxied(setup.port);
      silent.socket.end(Buffer.from(header, 'latin1'));
      await eventually(() => silent.ended);
      expect(silent.text()).toBe('');
    }
    await idle(setup.gateway);
    expect(warningsOf(setup)).toEqual([]);
  });

  it('a service that speaks first is told who the client is, by a header of its own', async () => {
    const headers: Buffer[] = [];
    const agent = { local: { proxyProtocol: 'v2' } };
    await using setup = await raw(
      (socket) => {
        socket.once('data', (bytes) => headers.push(bytes));
        socket.write('hello');
      },
      {},
      agent,
    );
    using client = await proxied(setup.port);
    client.send(PROXY_V1);
    await eventually(() => client.text() === 'hello');
    expect(headers.map((header) => header.toString('latin1'))).toEqual([PROXY_V2]);
  });

  it('rules know the client; a connection without a header is reset', async () => {
    await using setup = await raw((socket) => socket.pipe(socket), { allow: ['203.0.113.0/24'] });
    using client = await proxied(setup.port);
    client.send(`${PROXY_V1}x`);
    await eventually(() => client.text() === 'x');
    for (const bytes of ['SSH-2.0-x\r\n', PROXY_V1.replace('203.0.113.7', '192.0.2.1')])
      expect(await askAs(setup.port, bytes)).toBe('');
    expect(await askAs(setup.port, 'x', '127.0.0.1')).toBe('');
    expect(warningsOf(setup).map(({ clientAddress, reason }) => reason ?? clientAddress)).toEqual(
      expect.arrayContaining(['it does not begin with a PROXY header', '192.0.2.1', '127.0.0.1']),
    );
  });

  it('with access.proxyHeaderOptional a silent client is taken when the time is over', async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = stack.use(await listening(createServer((socket) => socket.write('hello'))));
    const relay = stack.use(
      await relayTo(`tcp://127.0.0.1:${port}`, {
        gateway: { policies: behindProxy({ proxyHeaderOptional: true }), ingress: { proxyHeaderTimeoutMs: 50 } },
      }),
    );
    using client = await proxied(relay.port);
    await eventually(() => client.text() === 'hello');
    using half = await proxied(relay.port);
    half.send('PROX');
    await eventually(() => half.closed);
    expect(half.text()).toBe('');
  });
});
