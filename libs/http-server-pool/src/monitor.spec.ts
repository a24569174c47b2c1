import { createServer } from 'node:net';
import { once } from 'node:events';
import { Registry } from 'prom-client';
import { parsePrometheus } from '@berth/testing/system';
import { probeServer, showPool } from './index.js';
import { labPool, of, says } from '../testing/pool-lab.js';

describe('the monitor of a pool', () => {
  it('D10: names each server by its address, and reports what it finds now', async () => {
    await using pool = labPool({ name: 'up', handler: says('up') }, { name: 'down' }, { name: 'off', disabled: true });
    const [up, down] = [of(pool, 'up'), of(pool, 'down')];
    await pool.start();
    await down.stop(0);
    await (await fetch(up.expose)).text();
    expect(pool.monitorNames()).toContain(`HTTP Server [127.0.0.1:${up.port}]`);
    const reports = await pool.monitor();
    expect(reports.find(({ name }) => name === 'up')).toMatchObject({
      monitor: `HTTP Server [${up.key}]`,
      bind: up.key,
      expose: `http://${up.key}`,
      scheme: 'http',
      state: 'running',
      healthy: true,
      requests: 1,
      restarts: 0,
      uptimeMs: expect.any(Number) as number,
      probeMs: expect.any(Number) as number,
    });
    expect(reports.find(({ name }) => name === 'down')).toMatchObject({ state: 'stopped', healthy: false });
    expect(reports.find(({ name }) => name === 'off')).toMatchObject({ state: 'disabled', healthy: true });
  });

  it('D10: one that says it runs, and takes no connections, is not healthy', async () => {
    await using pool = labPool({ name: 'deaf' });
    await pool.start();
    const server = of(pool, 'deaf');
    deafen(server.server);
    const [report] = await pool.monitor();
    expect(report).toMatchObject({
      state: 'running',
      healthy: false,
      reason: expect.stringContaining('ECONNREFUSED') as string,
    });
    await expect(pool.assertHealthy()).rejects.toMatchObject({
      code: 'BERTH_SERVER_POOL_MONITOR_FAILED',
      message: expect.stringContaining(`1 of 1 servers are not healthy: deaf [${server.key}]`) as string,
    });
  });

  it('D10: a failed start is the last error, until it starts', async () => {
    await using blocker = await listener();
    await using pool = labPool({ name: 'late', listen: `127.0.0.1:${blocker.port}` });
    await expect(pool.start()).rejects.toMatchObject({ code: 'BERTH_SERVER_POOL_START_FAILED' });
    expect((await pool.monitor())[0]).toMatchObject({
      state: 'failed',
      healthy: false,
      lastError: expect.stringContaining('EADDRINUSE') as string,
    });
    await blocker.close();
    await pool.start();
    const [report] = await pool.assertHealthy();
    expect(report).not.toHaveProperty('lastError');
  });

  it('D10: with a health path the answer counts: not 5xx, and in time', async () => {
    let status = 200;
    await using pool = labPool({
      name: 'http',
      healthPath: '/healthz?deep',
      handler: ({ url = '' }, response) => {
        if (status > 0) response.writeHead(url === '/healthz?deep' ? status : 500).end();
      },
    });
    await pool.start();
    const server = of(pool, 'http');
    expect(await probeServer(server)).toMatchObject({ outcome: 'ok' });
    status = 503;
    expect(await probeServer(server)).toMatchObject({
      outcome: 'failed',
      reason: 'GET /healthz?deep was answered with 503',
    });
    status = 0;
    expect(await probeServer(server, 50)).toMatchObject({
      outcome: 'failed',
      reason: 'GET /healthz?deep had no answer within 50 ms',
    });
  });

  it('D13: shows itself to Prometheus, from what is found at the scrape', async () => {
    await using pool = labPool({ name: 'a', handler: says('a') }, { name: 'b' });
    await pool.start();
    const [a, b] = [of(pool, 'a'), of(pool, 'b')];
    await (await fetch(a.expose)).text();
    await a.restart(0);
    deafen(b.server);
    const registry = new Registry();
    showPool(registry, pool, 'app_http_server');
    const families = parsePrometheus(await registry.metrics());
    const value = (name: string, server: string): number | undefined =>
      families.get(`app_http_server_${name}`)?.samples.find(({ labels }) => labels['server'] === server)?.value;
    expect([value('up', 'a'), value('up', 'b')]).toEqual([1, 0]);
    expect([value('requests_total', 'a'), value('requests_total', 'b')]).toEqual([1, 0]);
    expect([value('restarts_total', 'a'), value('restarts_total', 'b')]).toEqual([1, 0]);
    expect(value('uptime_seconds', 'a')).toBeGreaterThan(0);
    expect(value('connections', 'a')).toBeGreaterThanOrEqual(0);
    pool.delete(b);
    expect(await registry.metrics()).not.toContain('server="b"');
  });
});

/** Takes the listening socket away, with nobody told. */
function deafen(server: object): void {
  (server as { _handle: { close(): void } })._handle.close();
}

async function listener(): Promise<{ port: number; close: () => Promise<void> } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as { port: number }).port, close, [Symbol.asyncDispose]: close };
}
