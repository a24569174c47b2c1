import { once } from 'node:events';
import { Client, credentials, Metadata, status as Grpc, type StatusObject } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { AgentRegistry } from 'berth-gateway';
import { encodeProxyHead, passBuffer, ProxyType, SILO_METHOD_PATH } from '@berth/tunnel-protocol';
import { disposable, eventually, RawClient } from '@berth/testing';
import {
  siloEcho,
  siloGateway,
  siloRegistered,
  codeIn,
  logLines,
  RawAgent,
  send,
  start,
  testGateway,
  untilMatch,
} from '@berth/testing/system';

const LIMIT = 4_194_304;

describe('what agents of the original kind can carry and cost', () => {
  it('a flood of PINGs is answered as fast as it is read, and no other agent notices', async () => {
    await using gateway = await siloGateway();
    await using setup = await siloRegistered(gateway);
    await using other = await siloRegistered(gateway, 'other');
    other.agent.onRequest = siloEcho(other.agent);
    for (let i = 0; i < 5000; i += 1) setup.agent.ping();
    expect((await send(other.port)).status).toBe(200);
    await eventually(() => setup.agent.pongs.length === 5001, 10_000);
  });

  it('garbage ends that connection and no other', async () => {
    await using gateway = await siloGateway();
    await using setup = await siloRegistered(gateway);
    const { agent, port } = setup;
    await using client = disposable(
      new Client(`127.0.0.1:${gateway.grpcPort}`, credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
      }),
      (it) => {
        it.close();
      },
    );
    const bad = client.makeBidiStreamRequest(SILO_METHOD_PATH, passBuffer, passBuffer, new Metadata());
    bad.on('error', () => undefined);
    bad.write(encodeProxyHead('1', ProxyType.ping, ['agent_id', 'bad']));
    const badPort = await eventually(() => gateway.app.get(AgentRegistry).get('bad')?.port);
    const pending = send(badPort, { method: 'POST', body: 'x' });
    await eventually(() => gateway.app.get(AgentRegistry).get('bad')?.inFlight === 1);
    const ended = new Promise<StatusObject>((resolve) => bad.on('status', resolve));
    bad.resume();
    bad.write(Buffer.from('\xff\xff\xff garbage', 'latin1'));
    expect((await ended).code).toBe(Grpc.INVALID_ARGUMENT);
    expect((await pending).status).toBe(502);
    agent.onRequest = siloEcho(agent);
    expect((await send(port)).status).toBe(200);
  });

  it('carries bodies up to its limit, and says 413 to longer ones before anything is sent', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await siloRegistered(stack.use(await siloGateway()));
    const { agent, port } = setup;
    agent.onRequest = siloEcho(agent);
    const most = LIMIT - 1024;
    const body = Buffer.alloc(most, 'x');
    expect((await send(port, { method: 'POST', body })).body.equals(body)).toBe(true);
    let seen = 0;
    agent.onRequest = () => (seen += 1);
    // By its length, and one whose length shows only when it is too long.
    const announced = await send(port, { method: 'POST', headers: { 'Content-Length': String(LIMIT) }, body: '' });
    const chunked = start(port, { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
    chunked.on('error', () => undefined);
    const head = once(chunked, 'response') as Promise<[NodeJS.ReadableStream & { statusCode: number }]>;
    chunked.write(Buffer.alloc(LIMIT));
    expect(announced.status).toBe(413);
    expect(codeIn(announced.text)).toBe('BERTH_BODY_TOO_LARGE');
    expect((await head)[0].statusCode).toBe(413);
    chunked.destroy();
    expect(seen).toBe(0);
  });

  it('asks for the body itself when a client waits for 100 Continue', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await siloRegistered(stack.use(await siloGateway()));
    const { agent, port } = setup;
    agent.onRequest = siloEcho(agent);
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n';
    using client = await RawClient.connect(port);
    client.send(head);
    await eventually(() => client.text() === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send('body');
    await eventually(() => client.text().endsWith('\r\n\r\nbody'));
  });

  it('says 501 to upgrades and to targets without a path', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await siloRegistered(stack.use(await siloGateway()));
    const { agent, port } = setup;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      { statusCode: number; resume(): void },
    ];
    response.resume();
    expect(response.statusCode).toBe(501);
    socket.terminate();
    await untilMatch(port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1.1 501 [^]*BERTH_UNSUPPORTED_EXCHANGE/);
    expect(agent.requests).toEqual([]);
  });

  it('a larger answer than the gateway takes ends the connection, not the gateway', async () => {
    await using gateway = await siloGateway({ maxAnswerBytes: LIMIT });
    await using setup = await siloRegistered(gateway);
    const { agent, port } = setup;
    const answer = send(port, { method: 'POST', body: 'x' });
    agent.answer(await agent.request(), { body: Buffer.alloc(LIMIT + 1) });
    expect((await answer).status).toBe(502);
    expect((await agent.status).code).toBe(Grpc.RESOURCE_EXHAUSTED);
    await using stack = new AsyncDisposableStack();
    const again = stack.use(await siloRegistered(gateway));
    again.agent.onRequest = siloEcho(again.agent);
    expect((await send(again.port)).status).toBe(200);
  });

  it('an agent of a tunnel may send no more at once than without them', async () => {
    await using stack = new AsyncDisposableStack();
    using raw = await RawAgent.registered(stack.use(await siloGateway()).grpcPort, 'tunnel');
    // Pings in a batch that is right in all but its size.
    raw.call.write(Buffer.from('\x0a\x05\x9a\x01\x02\x08\x01'.repeat(30_000), 'latin1'));
    expect((await raw.status).code).toBe(Grpc.INVALID_ARGUMENT);
  });

  it('answers above maxBufferedBytes are not read from the agent until clients take them, and no other agent notices', async () => {
    await using gateway = await siloGateway({ maxBufferedBytes: LIMIT, maxAnswerBytes: 32_000_000 });
    await using setup = await siloRegistered(gateway);
    const { agent, port } = setup;
    await using stack = new AsyncDisposableStack();
    const other = stack.use(await siloRegistered(gateway, 'other'));
    other.agent.onRequest = siloEcho(other.agent);
    // More than the kernel takes of it for a client that reads nothing.
    const body = Buffer.alloc(24_000_000, 'x');
    agent.onRequest = (request) => {
      agent.answer(request, { body });
    };
    const clients: RawClient[] = [];
    for (let i = 0; i < 4; i += 1) {
      const client = stack.use(await RawClient.connect(port));
      client.socket.pause();
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      clients.push(client);
    }
    const it = gateway.app.get(AgentRegistry).get('agent-1');
    await eventually(() => it?.services[0]?.stats.bytesOut === body.length);
    // Later requests of another agent are through while nothing moves here.
    for (let i = 0; i < 20; i += 1) expect((await send(other.port)).status).toBe(200);
    expect(it?.services[0]?.stats.bytesOut).toBe(body.length);
    expect(it?.inFlight).toBe(3);
    for (const client of clients) client.socket.resume();
    await eventually(() => it?.services[0]?.stats.bytesOut === 4 * body.length, 15_000);
    await eventually(() => it?.inFlight === 0);
  });

  it('more requests than maxExchanges, or than fit into maxBufferedBytes, are answered with 503', async () => {
    await using stack = new AsyncDisposableStack();
    await using setup = await siloRegistered(
      stack.use(await siloGateway({ maxExchanges: 2, maxBufferedBytes: LIMIT })),
    );
    const { agent, port } = setup;
    const running = [send(port), send(port)];
    const requests = [await agent.request(), await agent.request()];
    const third = await send(port);
    expect(third).toMatchObject({ status: 503, headers: { 'retry-after': expect.any(String) } });
    expect(codeIn(third.text)).toBe('BERTH_AGENT_BUSY');
    for (const request of requests) agent.answer(request);
    for (const answer of running) expect((await answer).status).toBe(200);
    const upload = start(port, { method: 'POST', headers: { 'Content-Length': '4000000' } });
    upload.on('error', () => undefined);
    upload.write('x');
    const second = await eventually(async () => {
      const answer = await send(port, { method: 'POST', body: Buffer.alloc(1_000_000) });
      return answer.status === 503 ? answer : undefined;
    });
    expect(codeIn(second.text)).toBe('BERTH_AGENT_BUSY');
    upload.destroy();
    agent.onRequest = siloEcho(agent);
    await eventually(async () => (await send(port, { method: 'POST', body: Buffer.alloc(1_000_000) })).status === 200);
  });

  it('passes on the one Set-Cookie there is, and warns once', async () => {
    const { log, lines } = logLines();
    await using gateway = await testGateway({ tunnel: { silo: { enabled: true } } }, 4, log);
    await using setup = await siloRegistered(gateway);
    const { agent, port } = setup;
    agent.onRequest = (request) => agent.answer(request, { headers: { 'Set-Cookie': 'a=1; Path=/' } });
    for (let i = 0; i < 3; i += 1) expect((await send(port)).headers['set-cookie']).toEqual(['a=1; Path=/']);
    expect(lines.filter(({ msg }) => msg.includes('Set-Cookie'))).toHaveLength(1);
  });

  it('is let go in order: what runs may end, and it may come again', async () => {
    await using gateway = await siloGateway();
    await using setup = await siloRegistered(gateway);
    const { agent, port } = setup;
    const running = send(port);
    const request = await agent.request();
    const deleted = await fetch(`${gateway.admin}/agents/agent-1`, { method: 'DELETE' });
    expect(deleted.ok).toBe(true);
    expect((await send(port)).status).toBe(503);
    agent.answer(request, { body: 'in time' });
    expect((await running).text).toBe('in time');
    expect((await agent.status).code).toBe(Grpc.OK);
    await using stack = new AsyncDisposableStack();
    expect(stack.use(await siloRegistered(gateway)).port).toBe(port);
  });
});
