import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '@berth/testing';
import { type HttpsPort, httpsPorts } from '@berth/testing/system';

describe('clear text at an HTTPS port', () => {
  const { lab, get, remove } = httpsPorts();
  afterAll(remove);

  /** All that comes back, and how the connection ended. */
  async function said(socket: Socket): Promise<string> {
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    socket.on('error', (error) => (text += `\n${error.message}`));
    await once(socket, 'close');
    return text;
  }

  async function connections({ admin }: HttpsPort): Promise<number> {
    const { servers } = (await (await admin('/servers')).json()) as {
      servers: { name: string; connections: number }[];
    };
    return servers.find(({ name }) => name === 'agent a1')?.connections ?? NaN;
  }

  it.each([
    ['a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['one with a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'],
    ['the first bytes of one', 'HEAD /'],
  ])('%s is told to use https', async (_name, request) => {
    await using setup = await lab();
    const client = connect(setup.port, '127.0.0.1');
    client.write(request);
    const text = await said(client);
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(text).toMatch(
      /Connection: close\r\n\r\n\{"error":\{"code":"BERTH_BAD_REQUEST","message":"this port speaks HTTPS/,
    );
    expect(setup.asked).toEqual([]);
  });

  it('one that stays is cut off', async () => {
    await using setup = await lab();
    const client = connect({ port: setup.port, host: '127.0.0.1', allowHalfOpen: true });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    client.on('error', () => undefined).resume();
    await once(client, 'end');
    await eventually(() => {
      client.write('x');
      return client.destroyed;
    });
  });

  it('1,000 such clients, and 1,000 that say nothing sensible, leave nothing open and concern nobody else', async () => {
    await using setup = await lab();
    const before = await connections(setup);
    for (let round = 0; round < 10; round += 1) {
      const clients = Array.from({ length: 200 }, (_, i) => {
        const client = connect(setup.port, '127.0.0.1');
        client.write(i % 2 === 0 ? 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' : '\x16\x03\x01\xff\xff\x01');
        if (i % 2 === 1) client.end();
        return said(client);
      });
      const [, answers] = await Promise.all([get(setup.port), Promise.all(clients)]);
      expect(answers.filter((text) => text.startsWith('HTTP/1.1 400')).length).toBe(100);
    }
    await eventually(async () => (await connections(setup)) <= before);
  });
});
