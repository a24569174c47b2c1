import { eventually } from '@berth/testing';
import { offer, RegistryLab } from '../../testing/registry-lab.js';

/** Registrations that meet each other while an agent's server takes its time to start. */
describe('AgentRegistry, while a server starts', () => {
  let lab: RegistryLab;

  afterEach(() => lab.registry.close(0));

  it('A5: welcomes nobody before the server listens', async () => {
    lab = await RegistryLab.make();
    let settled = false;
    const result = lab.outcome(lab.connection('one')).finally(() => (settled = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
    expect(lab.registry.list()).toEqual([]);
    lab.letStart();
    expect(await result).toBe('welcome');
  });

  it('takes as many connections as it may, though all of them were waiting', async () => {
    lab = await RegistryLab.make();
    const results = Array.from({ length: 5 }, () => lab.outcome(lab.connection('one')));
    lab.letStart();
    expect((await Promise.all(results)).sort()).toEqual([
      ...Array<string>(3).fill('BERTH_TOO_MANY_CONNECTIONS'),
      'welcome',
      'welcome',
    ]);
  });

  it('A11: of two processes that wait, the later one replaces the earlier', async () => {
    lab = await RegistryLab.make();
    const results = [lab.outcome(lab.connection('one')), lab.outcome(lab.connection('two'))];
    lab.letStart();
    expect(await Promise.all(results)).toEqual(['BERTH_CONNECTION_REPLACED', 'welcome']);
    expect(lab.registry.get('agent-1')?.connections).toHaveLength(1);
  });

  it('A11: with reject it is the earlier one that stays', async () => {
    lab = await RegistryLab.make({ duplicateAgent: 'reject' });
    const results = [lab.outcome(lab.connection('one')), lab.outcome(lab.connection('two'))];
    lab.letStart();
    expect(await Promise.all(results)).toEqual(['welcome', 'BERTH_AGENT_EXISTS']);
  });

  it('C6: maintenance has connections tried again that failed too often', async () => {
    lab = await RegistryLab.make();
    const failing = lab.connection('one');
    const results = [lab.outcome(failing), lab.outcome(lab.connection('one'))];
    lab.letStart();
    await Promise.all(results);
    const member = lab.registry.get('agent-1')?.services[0]?.connections.of(failing);
    const now = performance.now();
    for (let i = 0; i < 3; i += 1) member?.countFailure('connection-lost', 1, now);
    lab.registry.tick(now + 9999);
    expect(member?.usable).toBe(false);
    lab.registry.tick(now + 10_000);
    expect(member?.usable).toBe(true);
  });

  it('A14: one that leaves aborts its registration, and does not take those with it that wait as well', async () => {
    lab = await RegistryLab.make();
    const [leaving, staying] = [lab.connection('one'), lab.connection('one')];
    const results = [lab.outcome(leaving), lab.outcome(staying)];
    leaving.close();
    lab.letStart();
    expect(await Promise.all(results)).toEqual(['BERTH_CONNECTION_CLOSED', 'welcome']);
    expect(lab.ports.list().map(({ port }) => port)).toEqual([lab.registry.get('agent-1')?.port]);
  });

  it('A14: the last one to leave takes the server with it, held ports or not', async () => {
    lab = await RegistryLab.make({ holdMs: 60_000 });
    const leaving = lab.connection('one');
    const result = lab.outcome(leaving);
    leaving.close();
    lab.letStart();
    expect(await result).toBe('BERTH_CONNECTION_CLOSED');
    await eventually(() => lab.ports.list().length === 0);
  });

  it('a port of another kind is refused while one is in use, and takes the place of a held one', async () => {
    lab = await RegistryLab.make({ holdMs: 60_000 });
    lab.letStart();
    const first = lab.connection('one');
    expect(await lab.outcome(first)).toBe('welcome');
    expect(await lab.outcome(lab.connection('one'), 'other')).toBe('BERTH_AGENT_EXISTS');
    expect(first.closed).toBe(false);
    first.close();
    expect(await lab.outcome(lab.connection('one'), 'other')).toBe('welcome');
    expect(lab.registry.get('agent-1')?.services[0]?.kind).toBe('other');
    expect(lab.ports.list()).toHaveLength(1);
  });

  it('another process that takes the id over brings its own kinds of ports', async () => {
    lab = await RegistryLab.make();
    lab.letStart();
    const first = lab.connection('one');
    expect(await lab.outcome(first)).toBe('welcome');
    expect(await lab.outcome(lab.connection('two'), 'other')).toBe('welcome');
    expect(first.closed).toBe(true);
    expect(lab.registry.get('agent-1')?.services.map(({ kind }) => kind)).toEqual(['other']);
    await eventually(() => lab.ports.list().length === 1);
  });

  it('a held port that its agent has come back for is not given up while others of it are opened', async () => {
    lab = await RegistryLab.make({ holdMs: 50 });
    lab.letStart();
    const first = lab.connection('one');
    const welcomed = await lab.registered(first, [offer('http')]);
    first.close();
    lab.shut();
    const again = lab.registered(lab.connection('one'), [offer('http'), offer('http', 'second')]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(lab.ports.list().map(({ port }) => port)).toContain(welcomed[0]);
    lab.letStart();
    expect((await again)[0]).toBe(welcomed[0]);
    expect(lab.registry.get('agent-1')?.services).toHaveLength(2);
  });

  it('an agent that gets no port is told to come again, when one of its reasons may pass', async () => {
    lab = await RegistryLab.make();
    lab.letStart();
    const full = lab.connection('one');
    full.agentId = 'full';
    const all = ['a', 'b', 'c'].map((name) => offer('http', name));
    expect(await lab.registered(full, all)).not.toContain(0);
    const services = [offer('unheard-of', 'a'), offer('http', 'b')];
    await expect(lab.registered(lab.connection('two'), services)).rejects.toMatchObject({
      code: 'BERTH_PORTS_EXHAUSTED',
    });
    await expect(lab.registered(lab.connection('two'), services.slice(0, 1))).rejects.toMatchObject({
      code: 'BERTH_PORT_KIND_UNSUPPORTED',
    });
    expect(lab.ports.list()).toHaveLength(3);
  });

  it('A14: a shutdown refuses who waits', async () => {
    lab = await RegistryLab.make();
    const result = lab.outcome(lab.connection('one'));
    const closed = lab.registry.close(0);
    lab.letStart();
    expect(await result).toBe('BERTH_DRAINING');
    await closed;
    expect(lab.ports.list()).toEqual([]);
    expect(await lab.outcome(lab.connection('one'))).toBe('BERTH_DRAINING');
  });
});
