import { connect } from 'node:net';
import type { LocalServiceOffer, ServiceListReply } from '@berth/tunnel-protocol';
import { eventually } from '@berth/testing';
import { answer, listens, RawAgent, send, type TestGateway, testGateway } from '@berth/testing/system';

const offer = (name: string, more: Partial<LocalServiceOffer> = {}): LocalServiceOffer => ({
  ...{ name, kind: '', port: 0, healthPath: '' },
  ...more,
});

/** An agent by hand that answers with the name of the service, and what it was told. */
async function agentOf(gateway: TestGateway, services: LocalServiceOffer[], instanceId = 'one'): Promise<RawAgent> {
  const agent = await RawAgent.registered(gateway.grpcPort, 'agent-1', { services, instanceId });
  agent.accept = (exchange) => {
    answer(exchange, exchange.openHead.service === '' ? 'default' : (exchange.openHead.service ?? ''));
    return { data: () => undefined, end: () => undefined, failed: () => undefined, writable: () => undefined };
  };
  return agent;
}

let number = 0;
async function change(agent: RawAgent, services: LocalServiceOffer[]): Promise<ServiceListReply['ports']> {
  const mine = (number += 1);
  agent.session.tell('services', { number: mine, services });
  await eventually(() => agent.replies.some((reply) => reply.number === mine));
  return agent.replies.find((reply) => reply.number === mine)?.ports ?? [];
}

const portOf = async (agent: RawAgent, name: string): Promise<number> =>
  (await agent.welcome).ports.find((port) => port.name === name)?.port ?? 0;

describe('local services that come and go while their agent is connected', () => {
  it('get ports of their own, and those that stay notice nothing', async () => {
    await using gateway = await testGateway();
    using agent = await agentOf(gateway, [offer('web')]);
    expect((await agent.welcome).features).toContain('service_updates');
    const web = await portOf(agent, 'web');
    // A kept connection to the service that stays.
    const kept = connect(web, '127.0.0.1');
    const [first, second] = await change(agent, [offer('web'), offer('api')]);
    expect([first?.port, second?.name]).toEqual([web, 'api']);
    expect((await send(second?.port ?? 0)).text).toBe('api');
    const [only] = await change(agent, [offer('web')]);
    expect(only?.port).toBe(web);
    await eventually(async () => !(await listens(second?.port ?? 0)));
    expect((await send(web)).text).toBe('web');
    expect(kept.destroyed).toBe(false);
    kept.destroy();
  });

  it('taken away: what runs has its grace, and the port closes at once, held or not', async () => {
    await using gateway = await testGateway({ agentPorts: { holdMs: 60_000, stopGraceMs: 10_000 } });
    using agent = await agentOf(gateway, [offer('web'), offer('api')]);
    agent.accept = undefined;
    const api = await portOf(agent, 'api');
    const running = send(api);
    await eventually(() => agent.opened.length === 1);
    await change(agent, [offer('web')]);
    await eventually(async () => !(await listens(api)));
    answer(agent.opened[0] as NonNullable<(typeof agent.opened)[0]>, 'late');
    expect((await running).text).toBe('late');
  });

  it('of another kind or on another address are taken away and come anew', async () => {
    await using gateway = await testGateway();
    using agent = await agentOf(gateway, [offer('web')]);
    const [tcp] = await change(agent, [offer('web', { kind: 'tcp' })]);
    expect(tcp).toMatchObject({ name: 'web', scheme: 'tcp', code: '' });
    const [loopback] = await change(agent, [offer('web', { loopback: true })]);
    expect(loopback).toMatchObject({ scheme: 'http', code: '' });
    const { services } = (await (await fetch(`${gateway.admin}/agents/agent-1`)).json()) as {
      services: { name: string; kind: string; loopback: boolean }[];
    };
    expect(services).toMatchObject([{ name: 'web', kind: 'http', loopback: true }]);
    const { leases } = (await (await fetch(`${gateway.admin}/ports`)).json()) as { leases: { loopback: boolean }[] };
    expect(leases).toMatchObject([{ loopback: true }]);
  });

  it('that cannot have a port say why, and the others have theirs', async () => {
    await using gateway = await testGateway({}, 2);
    using agent = await agentOf(gateway, [offer('web')]);
    const outcomes = await change(agent, [
      offer('web'),
      offer('odd', { kind: 'gopher' }),
      offer('api'),
      offer('more'),
      offer('wish', { port: 8 }),
    ]);
    expect(outcomes.map(({ name, code, retryable }) => [name, code, retryable])).toEqual([
      ['web', '', false],
      ['odd', 'BERTH_PORT_KIND_UNSUPPORTED', false],
      ['api', '', false],
      ['more', 'BERTH_PORTS_EXHAUSTED', true],
      ['wish', 'BERTH_PORT_NOT_REQUESTABLE', false],
    ]);
  });

  it('move to another port that is wished for', async () => {
    await using gateway = await testGateway({ agentPorts: { requestable: ['1-65535'] } });
    using agent = await agentOf(gateway, [offer('web')]);
    const { end } = gateway.range;
    expect(await change(agent, [offer('web', { port: end })])).toMatchObject([{ port: end }]);
    expect(await change(agent, [offer('web', { port: end - 1 })])).toMatchObject([{ port: end - 1 }]);
    // No wish any more: it stays.
    expect(await change(agent, [offer('web')])).toMatchObject([{ port: end - 1 }]);
    expect((await send(end - 1)).text).toBe('web');
  });

  it('lead where the connections that offer them are', async () => {
    await using gateway = await testGateway();
    using one = await agentOf(gateway, [offer('web'), offer('api')]);
    using two = await agentOf(gateway, [offer('web'), offer('api')]);
    const api = await portOf(one, 'api');
    await change(one, [offer('web')]);
    two.opened.length = 0;
    for (let i = 0; i < 3; i += 1) expect((await send(api)).text).toBe('api');
    expect(two.opened.length).toBe(3);
    // Another kind has to wait until no connection offers the one before.
    expect(await change(one, [offer('api', { kind: 'tcp' })])).toMatchObject([
      { code: 'BERTH_AGENT_EXISTS', retryable: true },
    ]);
    await change(two, [offer('web')]);
    expect(await change(one, [offer('api', { kind: 'tcp' })])).toMatchObject([{ code: '', scheme: 'tcp' }]);
  });

  it('a flood of lists costs one at a time, and the last one counts', async () => {
    await using gateway = await testGateway();
    using agent = await agentOf(gateway, [offer('web')]);
    const total = 5000;
    for (let i = 1; i <= total; i += 1) {
      agent.session.tell('services', { number: i, services: [offer('web'), offer(`s${i % 40}`)] });
    }
    await eventually(() => agent.replies.at(-1)?.number === total);
    expect(agent.replies.length).toBeLessThan(50);
    const { services } = (await (await fetch(`${gateway.admin}/agents/agent-1`)).json()) as {
      services: { name: string }[];
    };
    expect(services.map(({ name }) => name)).toEqual(['web', `s${total % 40}`]);
  });

  it.each([
    ['none', []],
    ['a name twice', [offer('web'), offer('web')]],
    ['a name that is none', [offer('Web!')]],
    ['more than there may be', Array.from({ length: 65 }, (_, i) => offer(`s${i}`))],
  ])('a list with %s ends the connection', async (_what, services) => {
    await using gateway = await testGateway();
    using agent = await agentOf(gateway, [offer('web')]);
    agent.session.tell('services', { number: 1, services });
    expect((await agent.status).details).toMatch(/local service/);
  });

  it('a connection that leaves meanwhile leaves no port behind', async () => {
    await using gateway = await testGateway();
    for (let i = 0; i < 5; i += 1) {
      const agent = await agentOf(gateway, [offer('web')]);
      agent.session.tell('services', { number: 1, services: [offer('web'), offer('api'), offer('x')] });
      setImmediate(() => {
        agent.close();
      });
      await agent.status;
    }
    await eventually(async () => {
      const { used } = (await (await fetch(`${gateway.admin}/ports`)).json()) as { used: number };
      return used === 0;
    });
  });
});
