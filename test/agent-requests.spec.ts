import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import type { AgentRequest } from 'berth-agent';
import { eventually, listening, localService, owning, RawClient, rawRecorder } from '@berth/testing';
import { send, testAgent, type TestAgent, testGateway, untilMatch } from '@berth/testing/system';

const UPGRADE = 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo/1\r\n\r\n';

interface Watched extends AsyncDisposable {
  agent: TestAgent;
  requests: AgentRequest[];
}

async function watchedAgent(target: string | number, settings: Parameters<typeof testAgent>[2] = {}): Promise<Watched> {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await testGateway());
  const agent = stack.use(await testAgent(gateway, target, settings));
  const requests: AgentRequest[] = [];
  agent.client.on('request', (request) => requests.push(request));
  return owning({ agent, requests }, stack);
}

describe('the agent tells whoever listens of each request that has ended', () => {
  it('an answered one: what was asked, status, duration, bytes both ways', async () => {
    await using service = await localService((request, response) => {
      request.resume().on('end', () => response.writeHead(201).end('created'));
    });
    await using it = await watchedAgent(service.port);
    await send(it.agent.port, { method: 'POST', path: '/a?token=1', body: 'hello' });
    const request = await eventually(() => it.requests[0]);
    expect(request).toEqual({
      id: expect.stringMatching(/^.+-\d+$/),
      service: 'default',
      kind: 'http',
      method: 'POST',
      path: '/a?token=1',
      status: 201,
      durationMs: expect.any(Number),
      bytesIn: 5,
      bytesOut: 7,
      upgraded: false,
      error: undefined,
      errorMessage: '',
    });
    expect(request.durationMs).toBeGreaterThan(0);
    expect(it.requests).toHaveLength(1);
  });

  it('one that the local service does not take: why, and no status', async () => {
    const gone = await rawRecorder();
    await gone.close();
    await using it = await watchedAgent(gone.port);
    const answer = await send(it.agent.port);
    expect(answer.status).toBe(502);
    const { request_id: requestId } = (JSON.parse(answer.text) as { error: { request_id: string } }).error;
    expect(await eventually(() => it.requests[0])).toMatchObject({
      id: requestId,
      status: undefined,
      error: 'local_unreachable',
      errorMessage: 'it refuses connections',
    });
  });

  it('one whose client leaves: cancelled, with the bytes until then', async () => {
    await using service = await localService((_request, response) => response.write('some'));
    await using it = await watchedAgent(service.port);
    await untilMatch(it.agent.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /some/);
    expect(await eventually(() => it.requests[0])).toMatchObject({ status: 200, bytesOut: 4, error: 'cancelled' });
  });

  it('an upgrade: once, when the pipe has ended', async () => {
    await using service = await rawRecorder((connection) => {
      const text = connection.text();
      if (text.endsWith('\r\n\r\n')) connection.socket.write(SWITCH);
      else connection.socket.write('back');
    });
    await using it = await watchedAgent(service.port);
    using client = await RawClient.connect(it.agent.port);
    client.send(UPGRADE);
    await eventually(() => client.text().includes('101'));
    client.send('there!');
    await eventually(() => client.text().endsWith('back'));
    expect(it.requests).toHaveLength(0);
    client.socket.end();
    expect(await eventually(() => it.requests[0])).toMatchObject({
      kind: 'upgrade',
      upgraded: true,
      path: '/up',
      status: 101,
      bytesIn: 6,
      bytesOut: 4,
      error: undefined,
    });
    expect(it.requests).toHaveLength(1);
  });

  it('a connection of a raw TCP port: kind and bytes', async () => {
    await using stack = new AsyncDisposableStack();
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    const { port } = stack.use(await listening(server));
    const it = stack.use(await watchedAgent(`tcp://127.0.0.1:${port}`));
    const socket = connect({ port: it.agent.port, host: '127.0.0.1' });
    stack.defer(() => void socket.destroy());
    socket.resume().end('12345');
    await once(socket, 'end');
    expect(await eventually(() => it.requests[0])).toMatchObject({
      kind: 'tcp',
      method: '',
      path: '',
      status: undefined,
      bytesIn: 5,
      bytesOut: 5,
      upgraded: false,
      error: undefined,
    });
  });

  it('one that is cut off with its connection: connection_lost', async () => {
    await using service = await localService((_request, response) => response.write('some'));
    await using it = await watchedAgent(service.port, { shutdown: { timeoutMs: 20 } });
    using client = await RawClient.connect(it.agent.port);
    client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => client.text().includes('some'));
    await it.agent.stop();
    expect(await eventually(() => it.requests[0])).toMatchObject({ path: '/slow', error: 'connection_lost' });
  });
});
