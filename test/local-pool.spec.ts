import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { eventually, RawClient } from '#testing';
import { Cleanup, localService, testAgent, testGateway } from './support/harness.js';

describe("the agent's connections to the local service", () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  it('a Host that is none is answered with 400, and costs the agent no connection', async () => {
    const service = cleanup.add(await localService((_request, response) => response.end('fine')), (it) => it.close());
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const agent = cleanup.add(await testAgent(gateway, service.port, { local: { maxConnections: 2 } }), (it) =>
      it.stop(),
    );
    for (let i = 0; i < 5; i += 1) {
      const client = cleanup.add(await RawClient.connect(agent.port), (it) => it.destroy());
      client.send('GET / HTTP/1.1\r\nHost: [\r\n\r\n');
      await eventually(() => client.text().startsWith('HTTP/1.1 400 '));
      expect(await (await fetch(agent.url)).text()).toBe('fine');
    }
  });

  it('a request that is cancelled while it waits for a connection takes none away', async () => {
    const held: ServerResponse[] = [];
    let accepted = 0;
    let requests = 0;
    const service = cleanup.add(
      await localService((request, response) => {
        requests += 1;
        if (request.url === '/hold') held.push(response.writeHead(200, { 'content-length': '4' }));
        else response.end('fine');
        response.flushHeaders();
      }),
      (it) => it.close(),
    );
    service.server.on('connection', () => (accepted += 1));
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const agent = cleanup.add(await testAgent(gateway, service.port, { local: { maxConnections: 2 } }), (it) =>
      it.stop(),
    );
    const holding = [fetch(`${agent.url}/hold`), fetch(`${agent.url}/hold`)];
    await eventually(() => held.length === 2);
    const leaving = Array.from({ length: 20 }, () => {
      const socket = cleanup.add(connect(agent.port, '127.0.0.1'), (it) => it.destroy());
      socket.write('GET /gone HTTP/1.1\r\nHost: a\r\n\r\n');
      return socket;
    });
    const inFlight = async (): Promise<number> =>
      ((await (await fetch(`${gateway.admin}/agents/agent-1`)).json()) as { in_flight: number }).in_flight;
    await eventually(async () => (await inFlight()) === 22);
    for (const socket of leaving) socket.resetAndDestroy();
    await eventually(async () => (await inFlight()) === 2);
    for (const response of held) response.end('done');
    for (const answer of holding) expect(await (await answer).text()).toBe('done');
    expect(await (await fetch(agent.url)).text()).toBe('fine');
    expect([accepted, requests]).toEqual([2, 3]);
  });

  it('a body that is slow to begin does not keep the head from the service', async () => {
    const service = cleanup.add(
      await localService((request, response) => {
        // Answers on the head alone, as a service does that refuses or that talks both ways.
        response.write('head seen;');
        request.on('data', (chunk: Buffer) => response.write(chunk));
        request.on('end', () => response.end());
      }),
      (it) => it.close(),
    );
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const agent = cleanup.add(await testAgent(gateway, service.port), (it) => it.stop());
    const client = cleanup.add(await RawClient.connect(agent.port), (it) => it.destroy());
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
    await eventually(() => client.text().includes('head seen;'));
    client.send('5\r\nhello\r\n0\r\n\r\n');
    await once(client.socket, 'end');
    expect(client.text()).toContain('hello');
  });
});
