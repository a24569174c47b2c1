import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually, RawClient } from '@berth/testing';
import { PooledTcpServer } from './pooled-tcp-server.js';
import { probeServer } from './probe.js';
import { TcpServerPool } from './tcp-server-pool.js';

describe('a pooled server of raw TCP', () => {
  const servers: PooledTcpServer[] = [];
  const taken: Socket[] = [];

  afterEach(async () => {
    for (const socket of taken) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => server.stop(0)));
    taken.length = 0;
  });

  async function started(host: string): Promise<PooledTcpServer> {
    const server = new PooledTcpServer('raw', { host, port: 0 }, (socket) => {
      socket.on('error', () => undefined);
      taken.push(socket);
    });
    servers.push(server);
    await server.start();
    return server;
  }

  it.each(['127.0.0.1', '0.0.0.0', '', '::', '::1', 'localhost'])(
    'D10: on "%s" it knows the connection of a probe from those of clients',
    async (host) => {
      const server = await started(host);
      const probes = await Promise.all(Array.from({ length: 20 }, () => probeServer(server)));
      expect(probes.map(({ outcome }) => outcome)).toEqual(probes.map(() => 'ok'));
      expect([taken.length, server.requests, server.connections]).toEqual([0, 0, 0]);
    },
  );

  it('D10: its probe fails when it takes no connection', async () => {
    const server = await started('127.0.0.1');
    // The system goes on taking connections that nobody accepts.
    server.server.removeAllListeners('connection');
    server.server.on('connection', (socket) => taken.push(socket));
    expect(await probeServer(server, 50)).toMatchObject({
      outcome: 'failed',
      reason: 'no connection was accepted within 50 ms',
    });
  });

  it('D5: a restart lets connections of before run for the grace, then resets them', async () => {
    const server = await started('127.0.0.1');
    const socket = connect(server.port, '127.0.0.1');
    const ended = new Promise((resolve) => socket.once('error', resolve));
    await eventually(() => taken.length === 1);
    await server.restart(100);
    const next = await RawClient.connect(server.port);
    await eventually(() => taken.length === 2);
    expect(await ended).toMatchObject({ code: 'ECONNRESET' });
    await eventually(() => server.connections === 1);
    expect([next.closed, server.requests, server.restarts]).toEqual([false, 2, 1]);
    next.destroy();
  });

  it('D12: on request it sees that its listener was closed under an open connection', async () => {
    const server = await started('127.0.0.1');
    const client = await RawClient.connect(server.port);
    await eventually(() => taken.length === 1);
    let lost = 0;
    server.onLost = () => (lost += 1);
    server.checkListening();
    expect(lost).toBe(0);
    server.server.close();
    server.checkListening();
    server.checkListening();
    expect([lost, server.state]).toEqual([1, 'stopped']);
    client.destroy();
    taken[0]?.destroy();
    await once(server.server, 'close');
    expect(lost).toBe(1);
  });

  it('D1, D9: is one of many in a pool', async () => {
    const server = await started('127.0.0.1');
    const pool = new TcpServerPool();
    pool.store(server);
    expect(pool.load(`127.0.0.1:${server.port}`)).toBe(server);
    expect(pool.monitorNames()).toEqual([`TCP Server [127.0.0.1:${server.port}]`]);
    expect(pool.list('expose', 'name', { exact: `tcp://127.0.0.1:${server.port}` })).toEqual(['raw']);
    await pool.stop(0);
    expect(await pool.monitor()).toMatchObject([{ state: 'stopped', healthy: false }]);
  });
});
