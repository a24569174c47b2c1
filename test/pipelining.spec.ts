import { Agent, type ServerResponse } from 'node:http';
import { disposable, eventually, RawClient } from '@berth/testing';
import { agentDetail, answering, OK, relayToListener, relayToRecorder, send } from '@berth/testing/system';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** True now, and still true after the gateway had time to read on. */
async function settledTrue(condition: () => boolean): Promise<void> {
  await eventually(condition);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(condition()).toBe(true);
}

describe('connections of clients', () => {
  it('A9: one is used again and again, and so is one to the local service', async () => {
    await using relay = await relayToRecorder(answering(OK));
    await using agent = disposable(new Agent({ keepAlive: true, maxSockets: 1 }), (it) => it.destroy());
    const sockets = new Set<unknown>();
    agent.on('free', (socket) => sockets.add(socket));
    for (let i = 0; i < 20; i += 1) expect((await send(relay.port, { agent })).text).toBe('ok');
    expect(sockets.size).toBe(1);
    expect(relay.recorder.connections).toHaveLength(1);
  });

  it('pipelined requests are answered in order, one at a time at the local service', async () => {
    const open: [string, ServerResponse][] = [];
    const seen: string[] = [];
    await using relay = await relayToListener((request, response) => {
      seen.push(request.url ?? '');
      open.push([request.url ?? '', response]);
      request.resume();
    });
    using client = await RawClient.connect(relay.port);
    const post = 'POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';
    client.send(get('/1') + post + get('/3') + get('/4'));
    for (let i = 1; i <= 4; i += 1) {
      const [path, response] = await eventually(() => open.shift());
      expect([path, open.length]).toEqual([`/${i}`, 0]);
      response.end(`answer ${path};`);
    }
    await eventually(() => client.text().match(/answer/g)?.length === 4);
    expect(client.text().match(/answer \/\d/g)).toEqual(['answer /1', 'answer /2', 'answer /3', 'answer /4']);
    expect(seen).toEqual(['/1', '/2', '/3', '/4']);
  });

  it('five hundred pipelined requests with answers of every size come back in order', async () => {
    const bodyOf = (number: number): string => `<${number}:${'x'.repeat((number * 7919) % 9000)}>`;
    await using relay = await relayToListener((request, response) => {
      response.end(bodyOf(Number(request.url?.slice(1))));
    });
    const bodies = Array.from({ length: 500 }, (_, number) => bodyOf(number).length);
    const total = bodies.reduce((sum, length) => sum + length, 0);
    using client = await RawClient.connect(relay.port);
    for (let batch = 0; batch < 50; batch += 1) {
      client.send(Array.from({ length: 10 }, (_, i) => get(`/${batch * 10 + i}`)).join(''));
    }
    // First what costs nothing to ask: the text is made anew each time.
    await eventually(() => client.socket.bytesRead > total, 40_000);
    await eventually(() => client.text().includes('<499:') && client.text().endsWith('>'));
    const numbers = client
      .text()
      .match(/<\d+:/g)
      ?.map((it) => Number(it.slice(1, -1)));
    expect(numbers).toEqual(Array.from({ length: 500 }, (_, i) => i));
  }, 60_000);

  it('ten thousand requests in one write are all answered, in order', async () => {
    let count = 0;
    await using relay = await relayToListener((_request, response) => response.end(`;${count++}`));
    using client = await RawClient.connect(relay.port);
    client.send(get('/').repeat(10_000));
    await eventually(() => client.closed || count === 10_000, 40_000);
    await eventually(() => client.text().endsWith(';9999'));
    expect(
      client
        .text()
        .match(/;\d+/g)
        ?.every((it, i) => it === `;${i}`),
    ).toBe(true);
    expect(client.text().match(/HTTP\/1\.1 200/g)).toHaveLength(10_000);
  }, 60_000);

  it('what many clients send ahead has a bound for all of them', async () => {
    const open: ServerResponse[] = [];
    await using relay = await relayToListener((_request, response) => open.push(response), {
      gateway: { ingress: { maxPipelined: 3000 } },
    });
    const clients: RawClient[] = [];
    await using stack = new AsyncDisposableStack();
    for (let i = 0; i < 6; i += 1) {
      const client = stack.use(await RawClient.connect(relay.port));
      client.send(get('/').repeat(10_000));
      clients.push(client);
    }
    // One that keeps to a few at a time is served whatever the others do.
    using modest = await RawClient.connect(relay.port);
    modest.send(get('/modest').repeat(10));
    await settledTrue(() => clients.filter((it) => it.closed).length === 5);
    await eventually(() => {
      for (const response of open.splice(0)) response.end('ok');
      return modest.text().match(/HTTP\/1\.1 200/g)?.length === 10;
    });
  });

  it('a client that pipelines without end is not read without end', async () => {
    const open: ServerResponse[] = [];
    await using relay = await relayToListener((_request, response) => open.push(response));
    using client = await RawClient.connect(relay.port);
    client.send(get('/'));
    await eventually(() => open[0]);
    // Far more than socket buffers hold: nobody reads it.
    client.send(get('/').repeat(600_000));
    await settledTrue(() => !client.closed && client.socket.writableLength > 0);
    expect(open).toHaveLength(1);
    client.socket.resetAndDestroy();
    open[0]?.end('too late');
    await eventually(async () => {
      for (const response of open) response.end();
      return (await agentDetail(relay.gateway)).in_flight === 0;
    });
    expect(open.length).toBeLessThan(10);
  });

  it('an upgrade behind a plain request waits for its answer', async () => {
    await using relay = await relayToRecorder((connection) => {
      const text = connection.text();
      if (text.includes('GET /up') && text.endsWith('\r\n\r\n'))
        connection.socket.write('HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhi');
      else if (text.endsWith('\r\n\r\n')) connection.socket.write(OK);
    });
    using client = await RawClient.connect(relay.port);
    client.send(`${get('/1')}GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly`);
    await eventually(() => client.text().endsWith('hi'));
    expect(client.text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 101']);
    await eventually(() => relay.recorder.connections.at(-1)?.text().endsWith('early'));
  });

  it('nothing is taken behind Connection: close', async () => {
    await using relay = await relayToRecorder(answering(OK));
    using client = await RawClient.connect(relay.port);
    client.send('GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    client.send(get('/2'));
    await eventually(() => client.ended);
    expect(client.text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    expect(client.text()).toMatch(/ok$/);
    expect(relay.recorder.connections.map((it) => it.text()).join('')).not.toContain('GET /2');
  });
});
