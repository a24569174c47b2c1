import type { Log } from '@berth/observability';
import { CarriedLab } from '../../testing/bus/carried-lab.js';
import { HeldHandler, later, ofObject, subscription } from '../../testing/bus/lab.js';
import { codeOf, Slow } from '../../testing/slow-service.js';
import { client } from '../client/client.js';
import { Services } from './services.js';

describe('a log that throws', () => {
  const throwing = (): never => {
    throw new Error('disk full');
  };
  const log: Log = { debug: throwing, info: throwing, warn: throwing, error: throwing };

  beforeEach(() => {
    Slow.begin();
  });

  it('fails no start and no stop, and calls that are cut off hear of it', async () => {
    const services = new Services({ services: [Slow], log });
    await services.startServer({ port: 0 });
    expect(await services.startAgent(Slow)).toBe('close.Slow');
    const remote = client(Slow, { address: `127.0.0.1:${services.getServerInfo().port ?? 0}` });
    const call = codeOf(remote.wait());
    await Slow.gate.begun;
    await services.stopServer({ timeoutMs: 0 });
    expect(await call).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    await services.restartServer();
    await services.stopAllAgents();
    Slow.gate.open();
    expect(await remote.wait()).toBe('ended');
    await remote.close();
    await services.close();
  });

  it('keeps no bus from seeing that a process has gone', async () => {
    await using lab = new CarriedLab({ workerTimeoutMs: 400, log });
    const [agent, caller] = [await lab.process(), await lab.process()];
    const held = new HeldHandler();
    await agent.bus.serve(subscription(), held.handle);
    const call = later(caller.bus.invoke(ofObject('a'), { delivery: 'at-most-once' }));
    await agent.bus.close();
    expect(await codeOf(call)).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
  });
});
