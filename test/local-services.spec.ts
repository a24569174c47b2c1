import type { Hello } from '@berth/tunnel-protocol';
import { HealthCode } from '@berth/tunnel-protocol';
import { eventually } from '@berth/testing';
import { answer, codeIn, RawAgent, send, type TestGateway, testGateway } from '@berth/testing/system';

interface ListedService {
  name: string;
  kind: string;
  port: number;
  state: string;
  connections: number;
  requests: number;
}

const offer = (name: string, kind = ''): Hello['services'][number] => ({ name, kind, port: 0, healthPath: '' });

/** An agent by hand that offers these services, and answers each request with its own name, the service and the path. */
async function serving(gateway: TestGateway, id: string, instanceId: string, ...names: string[]): Promise<RawAgent> {
  const agent = new RawAgent(gateway.grpcPort);
  agent.accept = (exchange) => {
    const { service, target } = exchange.openHead;
    answer(exchange, `${instanceId} ${service ?? 'default'} ${target}`);
    return { data: () => undefined, end: () => undefined, failed: () => undefined, writable: () => undefined };
  };
  agent.hello(id, { instanceId, services: names.map((name) => offer(name)) });
  await agent.welcome;
  return agent;
}

async function portsOf(agent: RawAgent): Promise<Record<string, number>> {
  return Object.fromEntries((await agent.welcome).ports.map(({ name, port }) => [name, port]));
}

async function servicesOf(gateway: TestGateway, id: string): Promise<ListedService[]> {
  return ((await (await fetch(`${gateway.admin}/agents/${id}`)).json()) as { services: ListedService[] }).services;
}

const text = async (port: number | undefined): Promise<string> => (await send(port ?? 0, { path: '/x' })).text;

describe('an agent with several local services', () => {
  it('has a port for each, and what is sent there reaches that service', async () => {
    await using gateway = await testGateway();
    using agent = await serving(gateway, 'a', 'one', 'web', 'api', 'default');
    const welcome = await agent.welcome;
    const ports = await portsOf(agent);
    expect(new Set(Object.values(ports)).size).toBe(3);
    expect(await Promise.all(['web', 'api', 'default'].map((name) => text(ports[name])))).toEqual([
      'one web /x',
      'one api /x',
      'one default /x',
    ]);
    // What older agents read is the first.
    expect([welcome.port, welcome.scheme]).toEqual([ports['web'], 'http']);
    expect((await servicesOf(gateway, 'a')).map(({ name, port, requests }) => [name, port, requests])).toEqual([
      ['web', ports['web'], 1],
      ['api', ports['api'], 1],
      ['default', ports['default'], 1],
    ]);
    const leases = (await (await fetch(`${gateway.admin}/ports`)).json()) as { used: number };
    expect(leases.used).toBe(3);
    agent.close();
    await eventually(
      async () => ((await (await fetch(`${gateway.admin}/ports`)).json()) as { used: number }).used === 0,
    );
  });

  it('is told of each that cannot be had, and the others serve', async () => {
    await using gateway = await testGateway({}, 1);
    using agent = new RawAgent(gateway.grpcPort);
    agent.hello('a', { services: [offer('web'), offer('db', 'udp'), offer('api')] });
    const { ports } = await agent.welcome;
    expect(ports.map(({ name, port, code }) => [name, port > 0, code])).toEqual([
      ['web', true, ''],
      ['db', false, 'BERTH_PORT_KIND_UNSUPPORTED'],
      ['api', false, 'BERTH_PORTS_EXHAUSTED'],
    ]);
    expect(ports[1]?.message).toContain('udp');
    expect((await servicesOf(gateway, 'a')).map(({ name }) => name)).toEqual(['web']);
  });

  it('is refused when none can be had', async () => {
    await using gateway = await testGateway();
    using agent = new RawAgent(gateway.grpcPort);
    agent.hello('a', { services: [offer('db', 'udp')] });
    await agent.status;
    expect(agent.refused?.code).toBe('BERTH_PORT_KIND_UNSUPPORTED');
    expect(await (await fetch(`${gateway.admin}/agents`)).json()).toEqual({ agents: [], count: 0 });
  });

  it.each([
    ['a name twice', [offer('web'), offer('web')]],
    ['a name that is none', [offer('Web')]],
    ['a port that is none', [{ ...offer('web'), port: 65_536 }]],
    ['a health path that is none', [{ ...offer('web'), healthPath: 'up' }]],
    ['too many', Array.from({ length: 65 }, (_, i) => offer(`s${i}`))],
  ])('is refused for %s', async (_name, services) => {
    await using gateway = await testGateway();
    using agent = new RawAgent(gateway.grpcPort);
    agent.hello('a', { services });
    await agent.status;
    expect(agent.refused?.code).toBe('BERTH_PROTOCOL_ERROR');
  });

  it('replicas may serve different ones: a port has those that serve it, and goes with the last of them', async () => {
    await using gateway = await testGateway({ tunnel: { duplicateAgent: 'share', slowStartMs: 0 } });
    using one = await serving(gateway, 'a', 'one', 'web', 'api');
    using two = await serving(gateway, 'a', 'two', 'web', 'jobs');
    const ports = { ...(await portsOf(one)), ...(await portsOf(two)) };
    const web = new Set(await Promise.all(Array.from({ length: 20 }, () => text(ports['web']))));
    expect(web).toEqual(new Set(['one web /x', 'two web /x']));
    expect([await text(ports['api']), await text(ports['jobs'])]).toEqual(['one api /x', 'two jobs /x']);
    const shown = (await servicesOf(gateway, 'a')).map(({ name, connections }) => [name, connections]);
    expect(shown).toEqual([
      ['web', 2],
      ['api', 1],
      ['jobs', 1],
    ]);
    one.close();
    await eventually(async () => (await servicesOf(gateway, 'a')).every(({ name }) => name !== 'api'));
    await expect(send(ports['api'] ?? 0)).rejects.toThrow('ECONNREFUSED');
    expect([await text(ports['web']), await text(ports['jobs'])]).toEqual(['two web /x', 'two jobs /x']);
  });

  it('one that is away leaves the others alone; one that is drained as well', async () => {
    await using gateway = await testGateway();
    using agent = await serving(gateway, 'a', 'one', 'web', 'api');
    const ports = await portsOf(agent);
    agent.session.tell('health', { state: HealthCode.unhealthy, message: 'it is down', service: 'api' });
    await eventually(async () => (await servicesOf(gateway, 'a'))[1]?.state === 'unhealthy');
    expect((await servicesOf(gateway, 'a')).map(({ state }) => state)).toEqual(['healthy', 'unhealthy']);
    agent.session.tell('health', { state: HealthCode.healthy, message: '', service: 'api' });
    await eventually(async () => (await servicesOf(gateway, 'a'))[1]?.state === 'healthy');

    const drain = (what: string): Promise<Response> => fetch(`${gateway.admin}/agents/a/${what}`, { method: 'POST' });
    expect((await drain('drain?service=web')).status).toBe(200);
    expect(codeIn(await text(ports['web']))).toBe('BERTH_DRAINING');
    expect(await text(ports['api'])).toBe('one api /x');
    expect((await drain('undrain?service=web')).status).toBe(200);
    expect(await text(ports['web'])).toBe('one web /x');
    const missing = await drain('drain?service=none');
    expect([missing.status, codeIn(await missing.text())]).toEqual([404, 'BERTH_NOT_FOUND']);
  });

  it('its ports are held for it while it is away, each for as long as it is', async () => {
    await using gateway = await testGateway({ agentPorts: { holdMs: 60_000 } });
    const first = await serving(gateway, 'a', 'one', 'web', 'api');
    const before = await portsOf(first);
    first.close();
    await eventually(async () => codeIn(await text(before['api'])) === 'BERTH_AGENT_UNAVAILABLE');
    using again = await serving(gateway, 'a', 'two', 'api', 'web');
    expect(await portsOf(again)).toEqual({ api: before['api'], web: before['web'] });
    expect([await text(before['web']), await text(before['api'])]).toEqual(['two web /x', 'two api /x']);
  });
});
