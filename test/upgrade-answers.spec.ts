import { once } from 'node:events';
import { connect } from 'node:net';
import { disposable, eventually, localService, RawClient, rawRecorder } from '@berth/testing';
import { testAgent, testGateway } from '@berth/testing/system';

const UPGRADE = 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

describe('upgrades that end otherwise', () => {
  it('a plain answer larger than a window reaches a client that reads late, and the connection ends', async () => {
    const size = 40 * 1024 * 1024;
    await using service = await localService((_request, response) => response.end(Buffer.alloc(size, 'x')));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    await using socket = disposable(connect(agent.port, '127.0.0.1'), (it) => it.destroy());
    socket.pause();
    socket.write(UPGRADE);
    await eventually(() => socket.bytesWritten > 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    let received = 0;
    socket.on('data', (chunk) => (received += chunk.length));
    socket.resume();
    await once(socket, 'end');
    expect(received).toBeGreaterThan(size);
  }, 20_000);

  it('a client that sent its bytes and its FIN before the 101: the service gets both', async () => {
    await using recorder = await rawRecorder((connection) => {
      if (!connection.text().includes('payload')) {
        setTimeout(
          () =>
            connection.socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
          100,
        );
      }
    });
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, recorder.port);
    using client = await RawClient.connect(agent.port);
    client.send(`${UPGRADE}payload`);
    client.socket.end();
    await eventually(() => recorder.connections[0]?.text().endsWith('payload') === true);
    await eventually(() => recorder.connections[0]?.socket.readableEnded === true);
  });

  it('A9: CONNECT behind a request is refused after the answer to that request', async () => {
    await using service = await localService((_request, response) => {
      setTimeout(() => response.end('slow'), 100);
    });
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    using client = await RawClient.connect(agent.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\nCONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n');
    await once(client.socket, 'end');
    expect(client.text().match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 405']);
  });

  it('A9: a 503 to a request without a body leaves the connection to its client', async () => {
    await using service = await localService((_request, response) => response.end('fine'));
    await using gateway = await testGateway({ agentPorts: { holdMs: 5000 } });
    const agent = await testAgent(gateway, service.port);
    await agent.stop();
    using client = await RawClient.connect(agent.port);
    for (let answers = 1; answers <= 2; answers += 1) {
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await eventually(() => client.text().match(/HTTP\/1\.1 503 /g)?.length === answers);
    }
    expect(client.text()).not.toContain('Connection: close');
  });
});
