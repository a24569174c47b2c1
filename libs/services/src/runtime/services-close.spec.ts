import { codeOf, Slow, SlowBus, turns } from '../../testing/slow-service.js';
import { client } from '../client/client.js';
import { AgentError, ServerError } from '../errors.js';
import { Services } from './services.js';

const { signals } = Slow;

beforeEach(() => Slow.begin());
// What was cut off goes on until it ends, or its time limit.
afterEach(() => Slow.gate.open());

describe('close()', () => {
  it('is one, however often it is called', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    await services.startAgent(Slow);
    const closing = services.close();
    expect(services.close()).toBe(closing);
    await closing;
    expect(services.close()).toBe(closing);
  });

  it('lets nothing start afterwards (B1, B4, B5)', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    const closing = services.close();
    for (const when of ['meanwhile', 'afterwards']) {
      await expect(services.startServer()).rejects.toThrow(ServerError);
      await expect(services.restartServer()).rejects.toThrow('these services are closed');
      await expect(services.startAgent(Slow)).rejects.toThrow(AgentError);
      expect([when, await codeOf(services.startAgent(Slow))]).toEqual([when, 'BERTH_SERVICE_INVALID']);
      expect(services.isServerRunning()).toBe(false);
      expect(services.listAgents()).toEqual({});
      await closing;
    }
    expect(await codeOf(services.stopServer())).toBe('BERTH_FUNCTION_SERVER_NOT_RUNNING');
    expect(await codeOf(services.stopAgent('close.Slow'))).toBe('BERTH_OBJECT_AGENT_NOT_RUNNING');
  });

  it('waits for an agent that is stopping: its call ends as it should (B7)', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    await services.startAgent(Slow);
    const call = client(Slow, { services }).work();
    await Slow.gate.begun;
    const stopping = services.stopAgent('close.Slow');
    const closing = services.close();
    await turns();
    Slow.gate.open();
    expect(await call).toBe('ended');
    await Promise.all([stopping, closing]);
    expect(signals[0]?.aborted).toBe(false);
  });

  it('an agent that is starting does not outlive it (B5)', async () => {
    const bus = new SlowBus();
    const services = new Services({ mock: true, services: [Slow], bus });
    const starting = services.startAgent(Slow);
    const closing = services.close();
    bus.answer();
    await Promise.all([starting, closing]);
    expect(services.listAgents()).toEqual({});
    expect(await codeOf(client(Slow, { bus }).work())).toBe('BERTH_SERVICE_NO_AGENT');
    await bus.close();
  });

  it.each([true, false])('a server that is starting does not outlive it; mock: %s (B1)', async (mock) => {
    const services = new Services({ mock, services: [Slow] });
    const starting = services.startServer({ port: 0 });
    const closing = services.close();
    await Promise.all([starting, closing]);
    expect(services.isServerRunning()).toBe(false);
    expect(services.getServerInfo().port).toBeUndefined();
  });

  it.each([true, false])('a server that is restarting does not outlive it; mock: %s (B4)', async (mock) => {
    const services = new Services({ mock, services: [Slow] });
    await services.startServer({ port: 0 });
    await Promise.all([services.restartServer(), services.close()]);
    expect(services.isServerRunning()).toBe(false);
  });

  it('closes all else when one thing fails, and says what failed', async () => {
    const services = new Services({ mock: true, services: [Slow] });
    services.store.close = () => Promise.reject(new Error('the disk is full'));
    await expect(services.close()).rejects.toThrow('the disk is full');
    expect(services.bus.health().state).toBe('closed');
  });
});
