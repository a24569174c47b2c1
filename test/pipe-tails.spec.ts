import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { owning, listening } from '@berth/testing';
import { idle, type Relay, type RelayOptions, relayTo } from '@berth/testing/system';

const UPGRADE = 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: bytes/1\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: bytes/1\r\nConnection: Upgrade\r\n\r\n';

/** More than a window and both ends' socket buffers take at once. */
const TAIL = randomBytes(24 * 1024 * 1024);

async function allOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.resume();
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

describe('the last bytes of a pipe, when the one who sent them has closed', () => {
  /** A service that switches at once and hands its socket to the test. */
  async function piped(
    options: RelayOptions = {},
  ): Promise<{ relay: Relay; client: Socket; service: Socket } & AsyncDisposable> {
    const server = createServer({ allowHalfOpen: true });
    await using stack = new AsyncDisposableStack();
    const { port } = stack.use(await listening(server));
    const relay = stack.use(await relayTo(port, options));
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = stack.adopt(
      connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true }),
      (it) => void it.destroy(),
    );
    client.write(UPGRADE);
    const [service] = await accepted;
    await once(service, 'data');
    service.pause();
    service.write(SWITCH);
    await once(client, 'readable');
    expect(String(client.read())).toMatch(/^HTTP\/1\.1 101 /);
    return owning({ relay, client, service }, stack);
  }

  it.each([8, 14])('service to client: %i MiB and the end wait for a client that reads late', async (mebibytes) => {
    // So large that more waits at the gateway than a socket is given at a time.
    await using setup = await piped({ gateway: { tunnel: { windowStartBytes: 16 * 1024 * 1024 } } });
    const { relay, client, service } = setup;
    const tail = TAIL.subarray(0, mebibytes * 1024 * 1024);
    const gone = once(service, 'close');
    service.end(tail);
    service.resume();
    const late = Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 300))]);
    const read = await late.then(() => allOf(client));
    expect(read.equals(tail)).toBe(true);
    client.end();
    await idle(relay.gateway);
  });

  it.each([8, 14])('client to service: %i MiB and the end wait for a service that reads late', async (mebibytes) => {
    await using setup = await piped({ agent: { tunnel: { windowStartBytes: 16 * 1024 * 1024 } } });
    const { relay, client, service } = setup;
    const tail = TAIL.subarray(0, mebibytes * 1024 * 1024);
    const sent = once(client, 'finish');
    client.on('data', () => undefined);
    client.end(tail);
    const late = Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 300))]);
    await late;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const read = await allOf(service);
    expect(read.equals(tail)).toBe(true);
    service.end();
    await idle(relay.gateway);
  });

  it('service to client: the client has ended its half, the service ends behind its bytes and is gone', async () => {
    await using setup = await piped();
    const { relay, client, service } = setup;
    client.end();
    service.resume();
    await once(service, 'end');
    const gone = once(service, 'close');
    service.end(TAIL);
    // The client reads only after the service has gone, as far as buffers on the way allow.
    const read = await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 300))]).then(() =>
      allOf(client),
    );
    expect(read.equals(TAIL)).toBe(true);
    await idle(relay.gateway);
  });

  it('client to service: the service has ended its half, the client ends behind its bytes and is gone', async () => {
    await using setup = await piped();
    const { relay, client, service } = setup;
    client.on('data', () => undefined);
    service.end();
    await once(client, 'end');
    const gone = once(client, 'close');
    client.end(TAIL);
    const read = await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 300))]).then(() =>
      allOf(service),
    );
    expect(read.equals(TAIL)).toBe(true);
    await idle(relay.gateway);
  });
});
