import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { WebSocket } from 'ws';
import { disposable, eventually, h2Service, type H2Listener, owning, RawClient } from '@berth/testing';
import { codeIn, testAgent, testGateway, untilClosed } from '@berth/testing/system';

const UPGRADE =
  'GET /ws?x=1 HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

async function behindGateway(
  listener: H2Listener,
  enableConnectProtocol = true,
): Promise<{ port: number } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(await h2Service(listener, { settings: { enableConnectProtocol } }));
  const gateway = stack.use(await testGateway());
  const agent = stack.use(await testAgent(gateway, `h2c://127.0.0.1:${service.port}`));
  return owning({ port: agent.port }, stack);
}

describe('WebSockets to a service of HTTP/2 (RFC 8441)', () => {
  it('a client of HTTP/1.1 is connected by an extended CONNECT, and bytes pass both ways', async () => {
    let got: string[] = [];
    await using setup = await behindGateway((stream, _headers, raw) => {
      got = raw;
      stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
      stream.pipe(stream);
    });
    using client = await RawClient.connect(setup.port);
    client.send(UPGRADE);
    await eventually(() => client.text().includes('\r\n\r\n'));
    // The answer to the key is that of RFC 6455 section 1.3.
    expect(client.text()).toMatch(/^HTTP\/1\.1 101 [^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    expect(client.text()).toContain('sec-websocket-protocol: chat\r\n');
    expect(got.slice(0, 12)).toEqual([
      ...[':method', 'CONNECT', ':scheme', 'http', ':authority', 'app.test', ':path', '/ws?x=1'],
      ...[':protocol', 'websocket', 'sec-websocket-version', '13'],
    ]);
    expect(got).not.toContain('sec-websocket-key');
    client.send('some bytes');
    await eventually(() => client.text().endsWith('some bytes'));
    client.socket.end();
    await eventually(() => client.ended);
  });

  it('a client that knows WebSockets takes it for one', async () => {
    await using setup = await behindGateway((stream) => {
      stream.respond({ ':status': 200 });
      stream.write(Buffer.from('\x81\x05hello', 'latin1'));
    });
    await using socket = disposable(new WebSocket(`ws://127.0.0.1:${setup.port}/`), (it) => {
      it.terminate();
    });
    socket.on('error', () => undefined);
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(data.toString()).toBe('hello');
  });

  it('a client that leaves is CANCEL at the service', async () => {
    const streams: ServerHttp2Stream[] = [];
    await using setup = await behindGateway((stream) => {
      streams.push(stream);
      stream.respond({ ':status': 200 });
    });
    using client = await RawClient.connect(setup.port);
    client.send(UPGRADE);
    await eventually(() => client.text().includes('\r\n\r\n'));
    client.socket.resetAndDestroy();
    await eventually(() => streams[0]?.closed);
    expect(streams[0]?.rstCode).toBe(8);
  });

  it('a refusal of the service is an answer', async () => {
    await using setup = await behindGateway((stream) => {
      stream.respond({ ':status': 403 });
      stream.end('no');
    });
    expect(await untilClosed(setup.port, UPGRADE)).toMatch(/^HTTP\/1\.1 403 [^]*no/);
  });

  it('a service that takes none is 501, which says what to do', async () => {
    await using setup = await behindGateway((stream) => stream.close(), false);
    const text = await untilClosed(setup.port, UPGRADE);
    expect(text).toMatch(/^HTTP\/1\.1 501 /);
    expect(codeIn(text)).toBe('BERTH_UNSUPPORTED_EXCHANGE');
  });

  it('other upgrades are 501', async () => {
    await using setup = await behindGateway((stream) => stream.close());
    const text = await untilClosed(setup.port, UPGRADE.replace('websocket', 'echo/1'));
    expect(text).toMatch(/^HTTP\/1\.1 501 /);
  });
});
