import { once } from 'node:events';
import { defaultAgentSettings, launchAgent } from 'berth-agent';
import { type BerthError } from '@berth/errors';
import { createServer } from 'node:net';
import { disposable, type DnsAnswer, type DnsServer, dnsServer, eventually, listening } from '@berth/testing';
import { logLines, TestCa, testGateway, type TestGateway } from '@berth/testing/system';

const NAME = '_berth._tcp.example.test';

const to = (port: number, priority: number, target = 'localhost', weight = 0) => ({ priority, weight, target, port });

type Overrides = Parameters<typeof defaultAgentSettings>[0];

/** An agent that is told to look NAME up at a DNS server, and its log. */
function agentBy(dns: Pick<DnsServer, 'address'>, overrides: Partial<Overrides> = {}) {
  const { log, at, lines } = logLines();
  const agent = launchAgent(
    defaultAgentSettings({
      target: 'http://127.0.0.1:9',
      id: 'agent-1',
      gateway: `srv:${NAME}`,
      reconnect: { minMs: 20, maxMs: 50 },
      local: { checkIntervalMs: 0 },
      shutdown: { timeoutMs: 100 },
      ...overrides,
    }),
    { log, dnsServers: [dns.address] },
  );
  return disposable({ ...agent, at, lines }, () => agent.stop());
}

/** A port of 127.0.0.1 where nothing listens. */
async function deadPort(): Promise<number> {
  const { port, close } = await listening(createServer());
  await close();
  return port;
}

async function agentsOf(gateway: TestGateway): Promise<{ connections: number }[]> {
  const { agents } = (await (await fetch(`${gateway.admin}/agents`)).json()) as { agents: { connections: number }[] };
  return agents;
}

describe('gateways by SRV records', () => {
  it('A19: the gateway of the lowest priority is taken', async () => {
    await using first = await testGateway();
    await using second = await testGateway();
    await using dns = await dnsServer({ [NAME]: [to(second.grpcPort, 20), to(first.grpcPort, 10)] });
    await using agent = agentBy(dns);
    const { port, host } = await agent.ready;
    expect(port).toBe(first.range.start);
    expect(host).toBe('localhost');
    expect(agent.at('info').find(({ msg }) => msg === 'registered')).toMatchObject({
      gateway: `localhost:${first.grpcPort}`,
    });
    expect(await agentsOf(second)).toEqual([]);
  });

  it('A19: where the first is down the second is tried at once, and the log says why', async () => {
    const dead = await deadPort();
    await using second = await testGateway();
    await using dns = await dnsServer({ [NAME]: [to(dead, 10), to(second.grpcPort, 20)] });
    await using agent = agentBy(dns, { reconnect: { minMs: 600_000, maxMs: 600_000, earlyMaxMs: 600_000 } });
    await agent.ready;
    expect(await agentsOf(second)).toHaveLength(1);
    expect(agent.at('warn')).toEqual([
      expect.objectContaining({
        msg: 'no connection: the next gateway is tried',
        gateway: `localhost:${second.grpcPort}`,
        reason: expect.stringContaining(`nothing listens at localhost:${dead}`) as string,
      }),
    ]);
    expect(dns.asked).toEqual([NAME]);
  });

  it('A19: a gateway that ends is left for another one that the records name by then', async () => {
    await using first = await testGateway();
    await using second = await testGateway();
    await using dns = await dnsServer({ [NAME]: [to(first.grpcPort, 10)] });
    await using agent = agentBy(dns);
    await agent.ready;
    dns.names.set(NAME, [to(second.grpcPort, 10)]);
    const again = once(agent.client, 'ready');
    await first.close();
    await again;
    expect(await agentsOf(second)).toHaveLength(1);
    expect(dns.asked.length).toBeGreaterThan(1);
  });

  const down = (port: number): DnsAnswer => [to(port, 0)];
  it.each<[string, DnsAnswer | typeof down, RegExp]>([
    ['no such name', 'NXDOMAIN', /^there is no name _berth._tcp.example.test in the DNS: check gateway/],
    ['a name without records', [], /^_berth._tcp.example.test has no SRV records/],
    ['a server that fails', 'SERVFAIL', /^the DNS server could not look up _berth._tcp.example.test \(SERVFAIL\)/],
    ['a server that refuses', 'REFUSED', /^the DNS server refuses to look up _berth._tcp.example.test \(REFUSED\)/],
    ['a server that says nothing', 'silent', /^no DNS server answered when asked for _berth._tcp.example.test/],
    ['the target "."', [to(0, 0, '.')], /^_berth._tcp.example.test says that there is no gateway \(SRV record/],
    ['a port 0', [to(0, 0)], /^_berth._tcp.example.test has no SRV record with a host name and a port/],
    ['no host name', [to(9, 0, 'unix:/tmp/x')], /^_berth._tcp.example.test has no SRV record with a host name/],
    ['a gateway that is down', down, /^nothing listens at localhost:\d+: is the gateway running/],
  ])('A19: %s is said in one line, and tried again', async (_, answer, reason) => {
    await using gateway = await testGateway();
    const dead = await deadPort();
    await using dns = await dnsServer({ [NAME]: typeof answer === 'function' ? answer(dead) : answer });
    await using agent = agentBy(dns, { tunnel: { handshakeTimeoutMs: answer === 'silent' ? 100 : 10_000 } });
    const [lost] = (await once(agent.client, 'lost')) as [{ reason: BerthError }];
    expect(lost.reason).toMatchObject({
      code: 'BERTH_CONNECTION_CLOSED',
      message: expect.stringMatching(reason) as string,
    });
    dns.names.set(NAME, [to(gateway.grpcPort, 0)]);
    await agent.ready;
  });

  it('A19: where no DNS server listens, that is said', async () => {
    const dns = await dnsServer();
    await dns.close();
    await using agent = agentBy(dns);
    const [lost] = (await once(agent.client, 'lost')) as [{ reason: BerthError }];
    expect(lost.reason.message).toMatch(/^no DNS server (could be reached|answered when asked) for _berth/);
  });

  it('A19: all connections of an agent lead to one gateway, and stay together', async () => {
    await using first = await testGateway();
    await using second = await testGateway();
    const both = [first, second].map(({ grpcPort }) => to(grpcPort, 1, 'localhost', 1));
    await using dns = await dnsServer({ [NAME]: both });
    await using agent = agentBy(dns, { connections: 8 });
    await agent.ready;
    const [one, other] = (await agentsOf(first)).length > 0 ? [first, second] : [second, first];
    const whole = () => eventually(async () => (await agentsOf(one))[0]?.connections === 8);
    await whole();
    const connections = async (): Promise<string[]> => {
      const detail = (await (await fetch(`${one.admin}/agents/agent-1`)).json()) as {
        connection_list: { connection_id: string }[];
      };
      return detail.connection_list.map(({ connection_id: id }) => id).sort();
    };
    const before = await connections();
    // The records prefer the other one now: who comes back alone comes back to its own.
    dns.names.set(NAME, [to(other.grpcPort, 0), to(one.grpcPort, 1)]);
    const asked = dns.asked.length;
    const [left = ''] = before;
    await fetch(`${one.admin}/agents/agent-1/connections/${left}`, { method: 'DELETE' });
    const after = await eventually(async () => {
      const now = await connections();
      return now.length === 8 && !now.includes(left) && now;
    });
    expect(after).not.toEqual(before);
    expect(dns.asked.length).toBe(asked + 1);
    expect(await agentsOf(other)).toEqual([]);
  });

  it('A19: a certificate has to be for the target, or for tls.serverName', async () => {
    const ca = new TestCa();
    using _ = { [Symbol.dispose]: () => ca.remove() };
    const tls = { enabled: true, ...ca.issue('gateway', 'DNS:localhost') };
    const named = { enabled: true, ...ca.issue('gateway', `DNS:example.test`) };
    await using byTarget = await testGateway({ grpc: { tls } });
    await using byName = await testGateway({ grpc: { tls: named } });
    await using dns = await dnsServer({ [NAME]: [to(byName.grpcPort, 0), to(byTarget.grpcPort, 1)] });
    await using agent = agentBy(dns, { tls: { enabled: true, caFile: ca.caFile } });
    await agent.ready;
    expect(await agentsOf(byTarget)).toHaveLength(1);
    expect(agent.at('warn')[0]?.['reason']).toContain(
      `the certificate of localhost:${byName.grpcPort} is for another name`,
    );
    await using second = agentBy(dns, { tls: { enabled: true, caFile: ca.caFile, serverName: 'example.test' } });
    await second.ready;
    expect(await agentsOf(byName)).toHaveLength(1);
  });

  it('A19: one that is stopped while it asks ends at once', async () => {
    await using dns = await dnsServer({ [NAME]: 'silent' });
    const agent = agentBy(dns);
    await eventually(() => dns.asked.length > 0);
    await agent.stop();
    expect(agent.at('warn')).toEqual([]);
  });
});
