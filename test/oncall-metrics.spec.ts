import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { eventually, listening, RawClient } from '@berth/testing';
import {
  type Family,
  httpsPorts,
  parsePrometheus,
  relayTo,
  relayToListener,
  TestCa,
  testGateway,
  type TestGateway,
} from '@berth/testing/system';

/** Series of one metric, each by the values of its labels without those of agent and service. */
async function series(gateway: Pick<TestGateway, 'admin'>, name: string): Promise<Record<string, number>> {
  const families: Map<string, Family> = parsePrometheus(await (await fetch(`${gateway.admin}/metrics`)).text());
  const samples = families.get(name)?.samples ?? [];
  return Object.fromEntries(
    samples.map(({ labels: { agent: _agent, service: _service, ...own }, value }) => [
      Object.values(own).join(' '),
      value,
    ]),
  );
}

describe('metrics for whoever is on call', () => {
  it('A17: tell servers of raw TCP from those of HTTP, and count the connections of both', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined));
    await using service = await listening(server);
    await using relay = await relayTo(`tcp://127.0.0.1:${service.port}`, {
      gateway: { agentPorts: { maxTotalConnections: 2, maxConnections: 2, maxConnectionsPerAddress: 2 } },
      agent: { expose: { web: `http://127.0.0.1:${service.port}` } },
    });
    expect(await series(relay.gateway, 'berth_agent_servers')).toEqual({ http: 1, tcp: 1 });
    const clients = [await RawClient.connect(relay.port), await RawClient.connect(relay.port)];
    await eventually(async () => (await series(relay.gateway, 'berth_client_connections'))[''] === 2);
    expect(await series(relay.gateway, 'berth_client_connections_limit')).toEqual({ '': 2 });
    const third = connect({ port: relay.port, host: '127.0.0.1' }).on('error', () => undefined);
    await eventually(() => third.closed);
    await eventually(async () => (await series(relay.gateway, 'berth_client_connections_refused_total'))[''] === 1);
    for (const client of clients) client.destroy();
    await relay.agent.stop();
    await eventually(async () => {
      expect(await series(relay.gateway, 'berth_agent_servers')).toEqual({ http: 0, tcp: 0 });
      return true;
    });
  });

  it('A17: count what a rule of a port keeps out by its rule, and what is no request by its code', async () => {
    await using relay = await relayToListener((_, response) => response.end(), {
      gateway: { policies: { '*': { access: { readOnly: true }, rate: { requestsPerSecond: 1, burst: 2 } } } },
    });
    const url = `http://127.0.0.1:${relay.port}/`;
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
    // At once, since a machine that is slow between two of them would earn the next one.
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await fetch(url)).status));
    const rate = statuses.filter((status) => status === 429).length;
    expect(rate).toBeGreaterThan(0);
    expect(await series(relay.gateway, 'berth_agent_policy_refusals_total')).toEqual({ 'access.readOnly': 1, rate });

    using client = await RawClient.connect(relay.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n');
    await eventually(() => client.ended);
    expect(await series(relay.gateway, 'berth_agent_requests_refused_total')).toEqual({ BERTH_BAD_REQUEST: 1 });
    expect((await series(relay.gateway, 'berth_agent_requests_total'))['']).toBe(11);
  });

  it('A17: count TLS handshakes of clients that come to nothing', async () => {
    const ports = httpsPorts();
    try {
      await using lab = await ports.lab({ minVersion: 'TLSv1.3' });
      // Node itself leaves without a word, which counts as gone; others say why.
      const stranger = ['s_client', '-connect', `127.0.0.1:${lab.port}`, '-verify_return_error'];
      await expect(promisify(execFile)('openssl', stranger)).rejects.toThrow('verify');
      const quiet = connectTls({ port: lab.port, host: '127.0.0.1' });
      await once(quiet, 'error');
      const old = connectTls({ port: lab.port, host: '127.0.0.1', ...ports.trusted, maxVersion: 'TLSv1.2' });
      await once(old, 'error');
      using plain = await RawClient.connect(lab.port);
      plain.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await eventually(() => plain.ended);
      const metrics = { admin: '' };
      metrics.admin = new URL('/', (await lab.admin('/health')).url).origin;
      await eventually(async () => {
        const counts = await series(metrics, 'berth_agent_tls_failures_total');
        expect(counts).toEqual({ untrusted: 1, gone: 1, tls: 1, plaintext: 1 });
        return true;
      });
    } finally {
      ports.remove();
    }
  });

  it('A17: say how far agents are, and when the certificate that they are shown expires', async () => {
    await using relay = await relayToListener((_, response) => response.end());
    await eventually(async () => ((await series(relay.gateway, 'berth_agent_round_trip_seconds'))[''] ?? 0) > 0);
    expect((await series(relay.gateway, 'berth_agent_round_trip_seconds'))['']).toBeLessThan(5);
    expect(await series(relay.gateway, 'berth_grpc_certificate_not_after_seconds')).toEqual({});
    expect(await series(relay.gateway, 'berth_state_errors_total')).toEqual({ '': 0 });

    using ca = new TestCa();
    const pair = ca.issue('gateway', 'DNS:localhost', 2);
    await using secure = await testGateway({ grpc: { tls: { enabled: true, ...pair } } });
    const left = Object.entries(await series(secure, 'berth_grpc_certificate_not_after_seconds'));
    expect(left.map(([file]) => file)).toEqual([pair.certFile]);
    expect(((left[0]?.[1] ?? 0) * 1000 - Date.now()) / 86_400_000).toBeCloseTo(2, 1);
  });
});
