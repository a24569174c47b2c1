import { once } from 'node:events';
import { get, type IncomingMessage, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { eventually, localService } from '@berth/testing';
import {
  type Family,
  hasPromtool,
  parsePrometheus,
  promtoolComplaints,
  RawAgent,
  testAgent,
  testGateway,
  type TestGateway,
} from '@berth/testing/system';

describe('A17: metrics', () => {
  async function scrape(gateway: TestGateway): Promise<Map<string, Family>> {
    const answer = await fetch(`${gateway.admin}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    return parsePrometheus(await answer.text());
  }

  const value = (
    families: Map<string, Family>,
    name: string,
    labels: Record<string, string> = {},
  ): number | undefined =>
    families
      .get(name)
      ?.samples.find((it) => it.name === name && Object.entries(labels).every(([key, text]) => it.labels[key] === text))
      ?.value;

  it('moves with agents, ports and requests', async () => {
    await using service = await localService((_, response) => response.end('12345'));
    await using gateway = await testGateway({}, 1);
    const before = await scrape(gateway);
    expect(value(before, 'berth_agents')).toBe(0);
    // Issue 8, C16.
    expect(value(before, 'berth_log_lines_dropped_total')).toBe(0);
    expect(value(before, 'berth_port_pool_used')).toBe(0);
    expect(value(before, 'berth_port_pool_size')).toBe(1);

    await using agent = await testAgent(gateway, service.port, { id: 'measured' });
    const label = { agent: 'measured' };
    for (let i = 0; i < 3; i += 1) await (await fetch(agent.url, { method: 'POST', body: 'abcd' })).text();
    await eventually(async () => value(await scrape(gateway), 'berth_exchanges_in_flight') === 0);
    const during = await scrape(gateway);
    expect(value(during, 'berth_agents')).toBe(1);
    expect(value(during, 'berth_port_pool_used')).toBe(1);
    expect(value(during, 'berth_agent_servers', { kind: 'http' })).toBe(1);
    expect(value(during, 'berth_agent_connects_total')).toBe(1);
    expect(value(during, 'berth_agent_requests_total', label)).toBe(3);
    expect(value(during, 'berth_agent_errors_total', label)).toBe(0);
    expect(value(during, 'berth_agent_request_bytes_total', label)).toBe(12);
    expect(value(during, 'berth_agent_response_bytes_total', label)).toBe(15);

    await agent.stop();
    const reason = { reason: 'closed' };
    await eventually(async () => value(await scrape(gateway), 'berth_agent_disconnects_total', reason) === 1);
    const after = await scrape(gateway);
    expect(value(after, 'berth_agents')).toBe(0);
    expect(value(after, 'berth_port_pool_used')).toBe(0);
    expect(value(after, 'berth_agent_servers', { kind: 'http' })).toBe(0);
    expect(value(after, 'berth_agent_requests_total', label)).toBeUndefined();
  });

  it('counts latencies in a histogram that adds up', async () => {
    await using service = await localService((_, response) => response.end());
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port, { id: 'timed' });
    for (let i = 0; i < 5; i += 1) await (await fetch(agent.url)).text();
    const name = 'berth_agent_request_duration_seconds';
    const samples = await eventually(async () => {
      const found = (await scrape(gateway)).get(name)?.samples ?? [];
      return found.some((it) => it.name === `${name}_count` && it.value === 5) ? found : undefined;
    });
    const buckets = samples.filter((it) => it.name === `${name}_bucket`);
    const bounds = buckets.map((it) => (it.labels['le'] === '+Inf' ? Infinity : Number(it.labels['le'])));
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
    expect(bounds.at(-1)).toBe(Infinity);
    const counts = buckets.map((it) => it.value);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(5);
    const sum = samples.find((it) => it.name === `${name}_sum`)?.value ?? 0;
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(5);
  });

  it('counts refused registrations by code', async () => {
    await using gateway = await testGateway({ auth: { token: 'right' } });
    await expect(testAgent(gateway, 1, { token: 'wrong' })).rejects.toThrow();
    await eventually(
      async () =>
        value(await scrape(gateway), 'berth_registrations_refused_total', { code: 'BERTH_UNAUTHENTICATED' }) === 1,
    );
  });

  it('A17: counts disconnects by reason, a replacement among them', async () => {
    await using gateway = await testGateway({ tunnel: { duplicateAgent: 'replace' } });
    using _first = await RawAgent.registered(gateway.grpcPort, 'twice', { instanceId: 'one' });
    using second = await RawAgent.registered(gateway.grpcPort, 'twice', { instanceId: 'two' });
    const count = async (reason: string): Promise<number | undefined> =>
      value(await scrape(gateway), 'berth_agent_disconnects_total', { reason });
    await eventually(async () => (await count('BERTH_CONNECTION_REPLACED')) === 1);
    expect(value(await scrape(gateway), 'berth_agent_connects_total')).toBe(2);
    second.close();
    await eventually(async () => (await count('BERTH_CONNECTION_CLOSED')) === 1);
    using third = await RawAgent.registered(gateway.grpcPort, 'twice', { instanceId: 'three' });
    third.call.end();
    await eventually(async () => (await count('closed')) === 1);
    expect(await count('BERTH_CONNECTION_REPLACED')).toBe(1);
    expect(await count('BERTH_CONNECTION_SILENT')).toBe(0);
  });

  it('A17: counts answers by status class, and the time to their first byte', async () => {
    const listener: RequestListener = (request, response) => {
      const status = Number(request.url?.slice(1));
      if (status > 0) response.writeHead(status);
      response.end();
      if (status === 0) request.socket.destroy();
    };
    await using service = await localService(listener);
    service.server.on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
    });
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port, { id: 'classed' });
    for (const status of [200, 204, 304, 404, 500, 503, 799]) {
      const [answer] = (await once(get(`${agent.url}/${status}`), 'response')) as [IncomingMessage];
      answer.resume();
    }
    const upgrade = get(agent.url, { headers: { connection: 'Upgrade', upgrade: 'test' } });
    const [, socket] = (await once(upgrade, 'upgrade')) as [IncomingMessage, Socket];
    socket.destroy();
    await service.close();
    // Berth's own answer: a class as well, and no first byte of the service.
    expect((await fetch(agent.url)).status).toBe(502);
    const families = await scrape(gateway);
    const classes = Object.fromEntries(
      (families.get('berth_agent_responses_total')?.samples ?? []).map(({ labels, value: n }) => [labels['class'], n]),
    );
    expect(classes).toEqual({ '1xx': 1, '2xx': 2, '3xx': 1, '4xx': 1, '5xx': 3, other: 1 });
    const firstBytes = families.get('berth_agent_time_to_first_byte_seconds')?.samples ?? [];
    expect(firstBytes.find(({ name }) => name.endsWith('_count'))?.value).toBe(8);
  });

  it('A17: counts what ends before a registration, by reason', async () => {
    await using gateway = await testGateway();
    using stranger = new RawAgent(gateway.grpcPort);
    stranger.call.write(Buffer.from('no batch'));
    await stranger.status;
    const count = async (reason: string): Promise<number | undefined> =>
      value(await scrape(gateway), 'berth_handshakes_failed_total', { reason });
    await eventually(async () => (await count('protocol')) === 1);
    expect(await count('plaintext')).toBe(0);
  });

  it('A17: says which build it is', async () => {
    await using gateway = await testGateway();
    const [sample] = (await scrape(gateway)).get('berth_build_info')?.samples ?? [];
    expect(sample).toMatchObject({
      labels: { version: expect.stringMatching(/^\d+\.\d+/), node: process.versions.node },
    });
  });

  // promtool is in Debian's package prometheus; .ci/run installs it.
  (hasPromtool ? it : it.skip)('A17: promtool check metrics has nothing to say', async () => {
    await using service = await localService((_, response) => response.end('x'));
    await using gateway = await testGateway({ auth: { token: 'right' } });
    await using agent = await testAgent(gateway, service.port, { token: 'right' });
    await expect(testAgent(gateway, 1, { id: 'other', token: 'wrong' })).rejects.toThrow();
    await (await fetch(agent.url)).text();
    expect(promtoolComplaints(await (await fetch(`${gateway.admin}/metrics`)).text())).toBe('');
  });

  it('tells of the process as well', async () => {
    await using gateway = await testGateway();
    const families = await scrape(gateway);
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds'])
      expect(families.has(name)).toBe(true);
    for (const { name, type, help } of families.values())
      expect([name, type !== '', help !== '']).toEqual([name, true, true]);
  });
});
