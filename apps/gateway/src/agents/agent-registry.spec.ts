import { createServer } from 'node:http';
import { PooledHttpServer } from '@berth/http-server-pool';
import { silentLog } from '@berth/observability';
import { PortAllocatorService } from '@berth/port-allocator';
import { eventually, freePortRange } from '@berth/testing';
import { AgentBerths, type PortOrder, PortKinds } from '../ports/index.js';
import { ConfigPushes, ConfigPushSettings } from '../config-push/index.js';
import { AgentRegistry } from './agent-registry.js';
import { AgentReports } from './agent-reports.js';
import type { ServiceOffer } from './local-service.js';
import type { HoldOptions, RegistryOptions } from './registry-options.js';
import { AgentsSettings } from './agents.settings.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { FakeConnection } from '../../../../libs/agent-pool/testing/fake-connection.js';

const offer = (kind: string, name = 'default'): ServiceOffer => ({ name, kind, port: 0, healthPath: '' });

/** Registrations that meet each other while an agent's server takes its time to start. */
describe('AgentRegistry, while a server starts', () => {
  let registry: AgentRegistry;
  let ports: PortAllocatorService;
  let letStart: () => void;
  /** servers that start from here on wait for another letStart() */
  let shut: () => void;
  let number = 0;

  afterEach(() => registry.close(0));

  async function make(options: Partial<RegistryOptions & HoldOptions> = {}): Promise<void> {
    ports = new PortAllocatorService({ range: await freePortRange(3) });
    const events = new LifecycleEvents(silentLog);
    let gate = Promise.withResolvers<undefined>();
    letStart = () => {
      gate.resolve(undefined);
    };
    shut = () => (gate = Promise.withResolvers());
    class SlowServer extends PooledHttpServer {
      override async start(): Promise<void> {
        await gate.promise;
        await super.start();
      }
    }
    const kinds = new PortKinds();
    const build = ({ port }: PortOrder): PooledHttpServer =>
      new SlowServer('slow', { host: '127.0.0.1', port }, createServer());
    for (const kind of ['http', 'other']) kinds.add({ kind, build });
    const berths = new AgentBerths(ports, kinds, { bindAttempts: 3, stopGraceMs: 0 }, events, silentLog);
    const defaults = Object.assign(new AgentsSettings(), {
      duplicateAgent: 'replace',
      duplicateProbeMs: 20,
      drainTimeoutMs: 1000,
      maxConnectionsPerAgent: 2,
      holdMs: 0,
    });
    const all: RegistryOptions & HoldOptions = Object.assign(defaults, options);
    const pushes = new ConfigPushes(new ConfigPushSettings(), () => undefined);
    const reports = new AgentReports(pushes, events, silentLog);
    registry = new AgentRegistry(berths, all, all, reports, events, silentLog);
  }

  function connection(instanceId: string, remoteAddress = ''): FakeConnection {
    const made = new FakeConnection(`c${(number += 1)}`, {
      origin: { remoteAddress, softwareVersion: '', instanceId },
      onClosed: () => {
        registry.unregister(made, 'closed');
      },
    });
    return made;
  }

  /** What became of a registration: the port in its welcome, or the code of the refusal. */
  async function outcome(made: FakeConnection, portKind = 'http'): Promise<string> {
    let welcomed = 0;
    return registry
      .register(made, { metadata: {}, services: [offer(portKind)] }, ([outcome]) => (welcomed = outcome?.port ?? 0))
      .then(
        () => (welcomed > 0 ? 'welcome' : 'no welcome'),
        (thrown: unknown) => (thrown as { code: string }).code,
      );
  }

  /** Registers with several services; their ports. */
  async function registered(made: FakeConnection, services: ServiceOffer[]): Promise<number[]> {
    let welcomed: number[] = [];
    await registry.register(made, { metadata: {}, services }, (outcomes) => {
      welcomed = outcomes.map(({ port }) => port);
    });
    return welcomed;
  }

  it('A5: welcomes nobody before the server listens', async () => {
    await make();
    let settled = false;
    const result = outcome(connection('one')).finally(() => (settled = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
    expect(registry.list()).toEqual([]);
    letStart();
    expect(await result).toBe('welcome');
  });

  it('takes as many connections as it may, though all of them were waiting', async () => {
    await make();
    const results = Array.from({ length: 5 }, () => outcome(connection('one')));
    letStart();
    expect((await Promise.all(results)).sort()).toEqual([
      ...Array<string>(3).fill('BERTH_TOO_MANY_CONNECTIONS'),
      'welcome',
      'welcome',
    ]);
  });

  it('A11: of two processes that wait, the later one replaces the earlier', async () => {
    await make();
    const results = [outcome(connection('one')), outcome(connection('two'))];
    letStart();
    expect(await Promise.all(results)).toEqual(['BERTH_CONNECTION_REPLACED', 'welcome']);
    expect(registry.get('agent-1')?.connections).toHaveLength(1);
  });

  it('A11: with reject it is the earlier one that stays', async () => {
    await make({ duplicateAgent: 'reject' });
    const results = [outcome(connection('one')), outcome(connection('two'))];
    letStart();
    expect(await Promise.all(results)).toEqual(['welcome', 'BERTH_AGENT_EXISTS']);
  });

  it('C6: maintenance has connections tried again that failed too often', async () => {
    await make();
    const failing = connection('one');
    const results = [outcome(failing), outcome(connection('one'))];
    letStart();
    await Promise.all(results);
    const member = registry.get('agent-1')?.services[0]?.connections.of(failing);
    const now = performance.now();
    for (let i = 0; i < 3; i += 1) member?.countFailure('connection-lost', 1, now);
    registry.tick(now + 9999);
    expect(member?.usable).toBe(false);
    registry.tick(now + 10_000);
    expect(member?.usable).toBe(true);
  });

  it('A14: one that leaves aborts its registration, and does not take those with it that wait as well', async () => {
    await make();
    const [leaving, staying] = [connection('one'), connection('one')];
    const results = [outcome(leaving), outcome(staying)];
    leaving.close();
    letStart();
    expect(await Promise.all(results)).toEqual(['BERTH_CONNECTION_CLOSED', 'welcome']);
    expect(ports.list().map(({ port }) => port)).toEqual([registry.get('agent-1')?.port]);
  });

  it('A14: the last one to leave takes the server with it, held ports or not', async () => {
    await make({ holdMs: 60_000 });
    const leaving = connection('one');
    const result = outcome(leaving);
    leaving.close();
    letStart();
    expect(await result).toBe('BERTH_CONNECTION_CLOSED');
    await eventually(() => ports.list().length === 0);
  });

  it('a port of another kind is refused while one is in use, and takes the place of a held one', async () => {
    await make({ holdMs: 60_000 });
    letStart();
    const first = connection('one');
    expect(await outcome(first)).toBe('welcome');
    expect(await outcome(connection('one'), 'other')).toBe('BERTH_AGENT_EXISTS');
    expect(first.closed).toBe(false);
    first.close();
    expect(await outcome(connection('one'), 'other')).toBe('welcome');
    expect(registry.get('agent-1')?.services[0]?.kind).toBe('other');
    expect(ports.list()).toHaveLength(1);
  });

  it('another process that takes the id over brings its own kinds of ports', async () => {
    await make();
    letStart();
    const first = connection('one');
    expect(await outcome(first)).toBe('welcome');
    expect(await outcome(connection('two'), 'other')).toBe('welcome');
    expect(first.closed).toBe(true);
    expect(registry.get('agent-1')?.services.map(({ kind }) => kind)).toEqual(['other']);
    await eventually(() => ports.list().length === 1);
  });

  it('a process that leaves takes no places from the one that comes in its stead', async () => {
    await make();
    letStart();
    const leaving = [connection('one'), connection('one')];
    for (const each of leaving) expect(await outcome(each)).toBe('welcome');
    for (const each of leaving) each.leaving = true;
    expect(await outcome(connection('two'))).toBe('welcome');
    expect(await outcome(connection('two'))).toBe('welcome');
    expect(await outcome(connection('two'))).toBe('BERTH_TOO_MANY_CONNECTIONS');
    expect(leaving.map(({ closed }) => closed)).toEqual([false, false]);
  });

  it('connections that leave are bounded as well, and a refused takeover leaves no port behind', async () => {
    await make();
    letStart();
    const leaving: FakeConnection[] = [];
    for (const process of ['one', 'one', 'two', 'two']) {
      const next = connection(process);
      leaving.push(next);
      expect(await outcome(next)).toBe('welcome');
      if (process === 'two' || leaving.length === 2) for (const each of leaving) each.leaving = true;
    }
    const refused = connection('three');
    expect(await outcome(refused)).toBe('BERTH_TOO_MANY_CONNECTIONS');
    for (const each of leaving) each.close();
    await eventually(() => ports.list().length === 0);
    expect(await outcome(connection('three'))).toBe('welcome');
  });

  it('a held port that its agent has come back for is not given up while others of it are opened', async () => {
    await make({ holdMs: 50 });
    letStart();
    const first = connection('one');
    const welcomed = await registered(first, [offer('http')]);
    first.close();
    shut();
    const again = registered(connection('one'), [offer('http'), offer('http', 'second')]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(ports.list().map(({ port }) => port)).toContain(welcomed[0]);
    letStart();
    expect((await again)[0]).toBe(welcomed[0]);
    expect(registry.get('agent-1')?.services).toHaveLength(2);
  });

  it('an agent that gets no port is told to come again, when one of its reasons may pass', async () => {
    await make();
    letStart();
    const full = connection('one');
    full.agentId = 'full';
    const all = ['a', 'b', 'c'].map((name) => offer('http', name));
    expect(await registered(full, all)).not.toContain(0);
    const services = [offer('unheard-of', 'a'), offer('http', 'b')];
    await expect(registered(connection('two'), services)).rejects.toMatchObject({ code: 'BERTH_PORTS_EXHAUSTED' });
    await expect(registered(connection('two'), services.slice(0, 1))).rejects.toMatchObject({
      code: 'BERTH_PORT_KIND_UNSUPPORTED',
    });
    expect(ports.list()).toHaveLength(3);
  });

  it('C12: a drain ends with the last connection of the agent, though its port is held', async () => {
    await make({ holdMs: 60_000 });
    letStart();
    const first = connection('one');
    await outcome(first);
    expect(registry.get('agent-1')?.setDrained(true)).toBe(true);
    first.close();
    const second = connection('one');
    expect(await outcome(second)).toBe('welcome');
    expect(registry.get('agent-1')?.services[0]?.connections.of(second)?.usable).toBe(true);
  });

  it('C12: a local service that comes to a drained agent is drained as well', async () => {
    await make({ duplicateAgent: 'share' });
    letStart();
    await outcome(connection('one'));
    const agent = registry.get('agent-1');
    const usable = (): boolean[] =>
      agent?.services.flatMap(({ connections: { members } }) => members.map((it) => it.usable)) ?? [];
    agent?.setDrained(true);
    await registered(connection('two'), [offer('http'), offer('http', 'api')]);
    expect(usable()).toEqual([false, false, false]);
    agent?.setDrained(false);
    await registered(connection('three'), [offer('http', 'late')]);
    expect(usable()).toEqual([true, true, true, true]);
  });

  it('C12: the process that takes over from a drained one begins undrained', async () => {
    await make();
    letStart();
    const first = connection('one');
    await outcome(first);
    registry.get('agent-1')?.setDrained(true);
    first.leaving = true;
    const second = connection('two');
    expect(await outcome(second)).toBe('welcome');
    expect(registry.get('agent-1')?.services[0]?.connections.of(second)?.usable).toBe(true);
  });

  it('C17: a taken over agent counts among those of its new address, and finds no room beyond their number', async () => {
    await make({ maxAgentsPerAddress: 1 });
    letStart();
    const agent = (agentId: string, instanceId: string, address: string): FakeConnection =>
      Object.assign(connection(instanceId, address), { agentId });
    expect(await outcome(agent('a', 'one', '192.0.2.1:1'))).toBe('welcome');
    expect(await outcome(agent('b', 'one', '192.0.2.2:1'))).toBe('welcome');
    expect(await outcome(agent('b', 'two', '192.0.2.1:1'))).toBe('BERTH_TOO_MANY_AGENTS');
    expect(await outcome(agent('b', 'two', '192.0.2.3:1'))).toBe('welcome');
    expect(await outcome(agent('c', 'one', '192.0.2.2:1'))).toBe('welcome');
    expect(await outcome(agent('d', 'one', '192.0.2.3:1'))).toBe('BERTH_TOO_MANY_AGENTS');
  });

  it('A14: a shutdown refuses who waits', async () => {
    await make();
    const result = outcome(connection('one'));
    const closed = registry.close(0);
    letStart();
    expect(await result).toBe('BERTH_DRAINING');
    await closed;
    expect(ports.list()).toEqual([]);
    expect(await outcome(connection('one'))).toBe('BERTH_DRAINING');
  });
});
