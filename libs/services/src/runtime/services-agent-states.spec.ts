import { codeOf, Slow, SlowBus, turns } from '../../testing/slow-service.js';
import type { BusSubscription } from '../bus/invocation-bus.js';
import { MemoryBus } from '../bus/memory-bus.js';
import { client } from '../client/client.js';
import { Services } from './services.js';

beforeEach(() => Slow.begin());
// What was cut off goes on until it ends, or its time limit.
afterEach(() => Slow.gate.open());

describe('agents that are starting', () => {
  it('stopAllAgents waits for them and stops them (B9)', async () => {
    const bus = new SlowBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    const starting = services.startAgent(Slow);
    const stopping = services.stopAllAgents();
    expect(services.listAgents()['close.Slow']?.state).toBe('stopping');
    bus.answer();
    expect(await starting).toBe('close.Slow');
    await stopping;
    expect(services.listAgents()).toEqual({});
    expect(await codeOf(client(Slow, { bus }).work())).toBe('BERTH_SERVICE_NO_AGENT');
    await Promise.all([services.close(), bus.close()]);
  });

  it('stopAgent does, too; a second one finds nothing to stop (B7)', async () => {
    const bus = new SlowBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    const starting = services.startAgent(Slow);
    const stopping = services.stopAgent('close.Slow');
    expect(await codeOf(services.stopAgent('close.Slow'))).toBe('BERTH_OBJECT_AGENT_NOT_RUNNING');
    expect(await codeOf(services.startAgent(Slow))).toBe('BERTH_OBJECT_AGENT_RUNNING');
    bus.answer();
    await Promise.all([starting, stopping]);
    expect(await services.startAgent(Slow)).toBe('close.Slow');
    await Promise.all([services.close(), bus.close()]);
  });

  it('a start that fails is told to its caller; there is nothing to stop then (B7, B9)', async () => {
    const bus = new SlowBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    const codes = Promise.all([
      codeOf(services.startAgent(Slow)),
      codeOf(services.stopAgent('close.Slow')),
      codeOf(services.stopAllAgents()),
      codeOf(services.close()),
    ]);
    bus.refuse(new Error('the broker is away'));
    expect(await codes).toEqual(['BERTH_OBJECT_AGENT_FAILED', 'BERTH_OBJECT_AGENT_NOT_RUNNING', undefined, undefined]);
    await bus.close();
  });

  it('stopAllAgents waits for one that is stopping (B9)', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    await services.startAgent(Slow);
    const call = client(Slow, { services }).work();
    await Slow.gate.begun;
    const ends: string[] = [];
    const stopping = services.stopAgent('close.Slow').then(() => ends.push('one'));
    const all = services.stopAllAgents().then(() => ends.push('all'));
    await turns();
    expect(ends).toEqual([]);
    Slow.gate.open();
    expect(await call).toBe('ended');
    await Promise.all([stopping, all]);
    await services.close();
  });
});

describe('an agent whose bus was closed', () => {
  it("is 'stopped', and the next start takes its place (B5, B8)", async () => {
    const bus = new MemoryBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    await services.startAgent(Slow);
    await bus.close();
    expect(services.listAgents()['close.Slow']?.state).toBe('stopped');
    expect(services.health().agents).toEqual({ stopped: 1 });
    // The bus stays closed, so that this one fails, but not with RUNNING.
    expect(await codeOf(services.startAgent(Slow))).toBe('BERTH_OBJECT_AGENT_FAILED');
    await services.close();
  });

  it('can be started again, and stopped', async () => {
    const bus = new MemoryBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    let state: BusSubscription['state'] = 'stopped';
    const serve = bus.serve.bind(bus);
    bus.serve = async (...args) => {
      const subscription = await serve(...args);
      return { state, stop: (timeoutMs) => subscription.stop(timeoutMs) };
    };
    await services.startAgent(Slow);
    state = 'running';
    expect(await services.startAgent(Slow)).toBe('close.Slow');
    expect(services.listAgents()['close.Slow']?.state).toBe('running');
    await services.stopAgent('close.Slow');
    state = 'stopped';
    await services.startAgent(Slow);
    await services.stopAgent('close.Slow');
    expect(services.listAgents()).toEqual({});
    await services.close();
    await bus.close();
  });
});
