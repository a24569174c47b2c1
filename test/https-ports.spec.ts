import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { WebSocket } from 'ws';
import { eventually } from '@berth/testing';
import { httpsPorts } from '@berth/testing/system';

describe("HTTPS on agents' ports", () => {
  const { trusted, lab, get, headersOf, connected, remove } = httpsPorts();
  afterAll(remove);

  it('carries requests and bodies, and says https wherever an address is shown', async () => {
    await using setup = await lab();
    const headers = await headersOf(setup.port);
    expect(headers['x-forwarded-proto']).toBe('https');
    expect(headers['x-client-cert-subject']).toBeUndefined();
    const body = randomBytes(20_000_000);
    const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    const answer = await get(setup.port, '/echo', { method: 'POST' }, body);
    expect(sum(answer.body)).toBe(sum(body));
    const servers = (await (await setup.admin('/servers')).json()) as { servers: { name: string; scheme: string }[] };
    expect(servers.servers.find(({ name }) => name === 'agent a1')?.scheme).toBe('https');
  });

  it('speaks HTTP/2 with those who ask for it, and HTTP/1.1 with others', async () => {
    await using setup = await lab();
    const client = connectHttp2(`https://127.0.0.1:${setup.port}`, trusted);
    const stream = client.request({ ':path': '/two' });
    const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(head[':status']).toBe(200);
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect((JSON.parse(text) as Record<string, string>)['x-forwarded-proto']).toBe('https');
    client.close();
    const old = await connected(setup.port);
    expect(old.alpnProtocol).toBe(false);
    old.destroy();
  });

  it('carries WebSockets', async () => {
    await using setup = await lab();
    const socket = new WebSocket(`wss://127.0.0.1:${setup.port}/`, trusted);
    await once(socket, 'open');
    socket.send('hello');
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(data.toString()).toBe('echo hello');
    socket.close();
    await once(socket, 'close');
  });

  it('an answer that is cut off never looks complete', async () => {
    await using setup = await lab();
    await expect(get(setup.port, '/cut')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  it('clear text, garbage and handshakes that stop concern nobody else, and are over in time', async () => {
    await using setup = await lab({}, { ingress: { headersTimeoutMs: 300 } });
    const clear = connectTcp(setup.port, '127.0.0.1');
    clear.on('error', () => undefined);
    const cleared = once(clear.resume(), 'close');
    clear.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const silent = connectTcp(setup.port, '127.0.0.1');
    silent.on('error', () => undefined).resume();
    const silenced = once(silent, 'close');
    const headless = await connected(setup.port);
    headless.on('error', () => undefined).resume();
    const ends = [cleared, silenced, once(headless, 'close')];
    expect((await get(setup.port)).status).toBe(200);
    await Promise.all(ends);
    expect((await get(setup.port)).status).toBe(200);
    expect(setup.asked).toHaveLength(2);
  });

  it('limits count connections before their handshake, give their room back, and answer what is beyond', async () => {
    await using setup = await lab({}, { agentPorts: { maxConnectionsPerAddress: 2 } });
    const silent = connectTcp(setup.port, '127.0.0.1');
    await once(silent, 'connect');
    const other = await connected(setup.port);
    const refused = await get(setup.port);
    expect(refused.status).toBe(503);
    expect(refused.body.toString()).toContain('BERTH_CLIENT_LIMIT');
    silent.destroy();
    other.destroy();
    await eventually(async () => (await get(setup.port)).status === 200);
  });

  it('connections whose clients have left are gone, with or without a handshake', async () => {
    await using setup = await lab();
    const connections = async (): Promise<number | undefined> => {
      const { servers } = (await (await setup.admin('/servers')).json()) as {
        servers: { name: string; connections: number }[];
      };
      return servers.find(({ name }) => name === 'agent a1')?.connections;
    };
    const bare = connectTcp(setup.port, '127.0.0.1');
    await once(bare, 'connect');
    bare.end();
    (await connected(setup.port)).destroy();
    const client = connectHttp2(`https://127.0.0.1:${setup.port}`, trusted);
    const stream = client.request({ ':path': '/' });
    await once(stream.resume(), 'end');
    client.close();
    // That of the probe itself may be open still.
    await eventually(async () => ((await connections()) ?? 9) <= 1);
  });

  it('a request under way ends in order when the agent leaves', async () => {
    await using setup = await lab();
    const answer = get(setup.port, '/slow');
    await eventually(() => setup.asked.includes('GET /slow'));
    await setup.agent.stop();
    expect((await answer).body.toString()).toBe('late');
  });
});
