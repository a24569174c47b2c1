import { eventually } from '@berth/testing';
import type { FakeConnection } from '../../../../libs/agent-pool/testing/fake-connection.js';
import { offer, RegistryLab } from '../../testing/registry-lab.js';

/** Who counts, and what is drained, when one process goes and another comes. */
describe('AgentRegistry, when processes follow one another', () => {
  let lab: RegistryLab;

  afterEach(() => lab.registry.close(0));

  it('a process that leaves takes no places from the one that comes in its stead', async () => {
    lab = await RegistryLab.make();
    lab.letStart();
    const leaving = [lab.connection('one'), lab.connection('one')];
    for (const each of leaving) expect(await lab.outcome(each)).toBe('welcome');
    for (const each of leaving) each.leaving = true;
    expect(await lab.outcome(lab.connection('two'))).toBe('welcome');
    expect(await lab.outcome(lab.connection('two'))).toBe('welcome');
    expect(await lab.outcome(lab.connection('two'))).toBe('BERTH_TOO_MANY_CONNECTIONS');
    expect(leaving.map(({ closed }) => closed)).toEqual([false, false]);
  });

  it('connections that leave are bounded as well, and a refused takeover leaves no port behind', async () => {
    lab = await RegistryLab.make();
    lab.letStart();
    const leaving: FakeConnection[] = [];
    for (const process of ['one', 'one', 'two', 'two']) {
      const next = lab.connection(process);
      leaving.push(next);
      expect(await lab.outcome(next)).toBe('welcome');
      if (process === 'two' || leaving.length === 2) for (const each of leaving) each.leaving = true;
    }
    const refused = lab.connection('three');
    expect(await lab.outcome(refused)).toBe('BERTH_TOO_MANY_CONNECTIONS');
    for (const each of leaving) each.close();
    await eventually(() => lab.ports.list().length === 0);
    expect(await lab.outcome(lab.connection('three'))).toBe('welcome');
  });

  it('C12: a drain ends with the last connection of the agent, though its port is held', async () => {
    lab = await RegistryLab.make({ holdMs: 60_000 });
    lab.letStart();
    const first = lab.connection('one');
    await lab.outcome(first);
    expect(lab.registry.get('agent-1')?.setDrained(true)).toBe(true);
    first.close();
    const second = lab.connection('one');
    expect(await lab.outcome(second)).toBe('welcome');
    expect(lab.registry.get('agent-1')?.services[0]?.connections.of(second)?.usable).toBe(true);
  });

  it('C12: a local service that comes to a drained agent is drained as well', async () => {
    lab = await RegistryLab.make({ duplicateAgent: 'share' });
    lab.letStart();
    await lab.outcome(lab.connection('one'));
    const agent = lab.registry.get('agent-1');
    const usable = (): boolean[] =>
      agent?.services.flatMap(({ connections: { members } }) => members.map((it) => it.usable)) ?? [];
    agent?.setDrained(true);
    await lab.registered(lab.connection('two'), [offer('http'), offer('http', 'api')]);
    expect(usable()).toEqual([false, false, false]);
    agent?.setDrained(false);
    await lab.registered(lab.connection('three'), [offer('http', 'late')]);
    expect(usable()).toEqual([true, true, true, true]);
  });

  it('C12: the process that takes over from a drained one begins undrained', async () => {
    lab = await RegistryLab.make();
    lab.letStart();
    const first = lab.connection('one');
    await lab.outcome(first);
    lab.registry.get('agent-1')?.setDrained(true);
    first.leaving = true;
    const second = lab.connection('two');
    expect(await lab.outcome(second)).toBe('welcome');
    expect(lab.registry.get('agent-1')?.services[0]?.connections.of(second)?.usable).toBe(true);
  });

  it('C17: a taken over agent counts among those of its new address, and finds no room beyond their number', async () => {
    lab = await RegistryLab.make({ maxAgentsPerAddress: 1 });
    lab.letStart();
    const agent = (agentId: string, instanceId: string, address: string): FakeConnection =>
      Object.assign(lab.connection(instanceId, address), { agentId });
    expect(await lab.outcome(agent('a', 'one', '192.0.2.1:1'))).toBe('welcome');
    expect(await lab.outcome(agent('b', 'one', '192.0.2.2:1'))).toBe('welcome');
    expect(await lab.outcome(agent('b', 'two', '192.0.2.1:1'))).toBe('BERTH_TOO_MANY_AGENTS');
    expect(await lab.outcome(agent('b', 'two', '192.0.2.3:1'))).toBe('welcome');
    expect(await lab.outcome(agent('c', 'one', '192.0.2.2:1'))).toBe('welcome');
    expect(await lab.outcome(agent('d', 'one', '192.0.2.3:1'))).toBe('BERTH_TOO_MANY_AGENTS');
  });
});
