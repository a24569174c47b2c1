import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { disposable, h2Service, localService } from '@berth/testing';
import { send, testAgent, testGateway } from '@berth/testing/system';

/** As development servers do: refuses what is not addressed to it. */
const accepts = (host: string | undefined): boolean => /^localhost(:\d+)?$/.test(host ?? '');

describe('a local service that knows itself by another address', () => {
  it.each([
    ['an ordinary request', 'GET', '/page'],
    ['one over node:http', 'OPTIONS', '*'],
  ])('local.hostHeader target: %s', async (_name, method, path) => {
    let seen: IncomingHttpHeaders = {};
    await using service = await localService((request, response) => {
      seen = request.headers;
      response.writeHead(accepts(request.headers.host) ? 302 : 403, {
        Location: `http://${request.headers.host ?? ''}/login`,
      });
      response.end();
    });
    await using gateway = await testGateway();
    const target = `http://localhost:${service.port}`;
    await using agent = await testAgent(gateway, target, { local: { hostHeader: 'target' } });
    const headers = { Host: 'gw.example', Origin: 'http://gw.example' };
    const answer = await send(agent.port, { method, path, headers });
    expect([answer.status, answer.headers.location]).toEqual([302, 'http://gw.example/login']);
    expect(seen).toMatchObject({
      host: `localhost:${service.port}`,
      origin: target,
      'x-forwarded-host': 'gw.example',
    });
  });

  it('local.hostHeader target: a service of HTTP/2', async () => {
    await using service = await h2Service((stream, headers) => {
      const authority = headers[':authority'] ?? '';
      stream.respond({ ':status': accepts(authority) ? 301 : 403, location: `http://${authority}/x` });
      stream.end();
    });
    await using gateway = await testGateway();
    const target = `h2c://localhost:${service.port}`;
    await using agent = await testAgent(gateway, target, { local: { hostHeader: 'target' } });
    const answer = await send(agent.port, { headers: { Host: 'gw.example:1' } });
    expect([answer.status, answer.headers.location]).toEqual([301, 'http://gw.example:1/x']);
  });

  it('local.hostHeader target: a WebSocket whose origin is checked', async () => {
    await using service = await localService((_request, response) => response.end());
    const sockets = new WebSocketServer({
      server: service.server,
      verifyClient: ({ origin, req }: { origin: string; req: { headers: IncomingHttpHeaders } }) =>
        accepts(req.headers.host) && origin === `http://${req.headers.host ?? ''}`,
    });
    sockets.on('connection', (socket) => {
      socket.send('hello');
    });
    await using gateway = await testGateway();
    const target = `http://localhost:${service.port}`;
    await using agent = await testAgent(gateway, target, { local: { hostHeader: 'target' } });
    const open = (origin: string): WebSocket & AsyncDisposable =>
      disposable(new WebSocket(`ws://127.0.0.1:${agent.port}/`, { origin }), (it) => {
        it.terminate();
      });
    await using own = open(`http://127.0.0.1:${agent.port}`);
    const [data] = (await once(own, 'message')) as [Buffer];
    expect(data.toString()).toBe('hello');
    await using foreign = open('http://evil.example');
    const [error] = (await once(foreign, 'error')) as [Error];
    expect(error.message).toContain('401');
  });

  it('each local service has its own', async () => {
    await using service = await localService((request, response) => response.end(request.headers.host));
    const target = `http://localhost:${service.port}`;
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, target, {
      expose: { api: target, web: target },
      local: { hostHeader: 'target' },
      hostHeaders: { api: 'api.test', web: 'keep' },
    });
    const { services } = await agent.ready;
    const hosts = await Promise.all(
      services.map(async ({ name, port }) => [name, (await send(port, { headers: { Host: 'gw' } })).text]),
    );
    expect(Object.fromEntries(hosts)).toEqual({ default: `localhost:${service.port}`, api: 'api.test', web: 'gw' });
  });
});
