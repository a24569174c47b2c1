import { codeOf, Slow, turns } from '../../testing/slow-service.js';
import { client } from '../client/client.js';
import { Services } from './services.js';

const { signals } = Slow;

beforeEach(() => Slow.begin());
// What was cut off goes on until it ends, or its time limit.
afterEach(() => Slow.gate.open());

describe.each([
  ['mock', true],
  ['real', false],
])('calls of this process at a %s server (B2, B15)', (_name, mock) => {
  let services: Services;

  beforeEach(async () => {
    services = new Services({ mock, services: [Slow] });
    await services.startServer({ port: 0 });
  });
  afterEach(() => services.close());

  it.each(['stopServer', 'close'] as const)('%s() lets them end', async (stop) => {
    const slow = client(Slow, { services });
    const call = slow.wait();
    await Slow.gate.begun;
    let stopped = false;
    const stopping = services[stop]().then(() => (stopped = true));
    await turns();
    expect(stopped).toBe(false);
    expect(services.getServerInfo()).toMatchObject({ running: false, port: undefined });
    expect(await codeOf(slow.wait())).toBe('BERTH_SERVICE_UNREACHABLE');
    Slow.gate.open();
    expect(await call).toBe('ended');
    await stopping;
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it('stopServer() cuts them off after timeoutMs', async () => {
    const call = codeOf(client(Slow, { services }).wait());
    await Slow.gate.begun;
    await services.stopServer({ timeoutMs: 5 });
    expect(await call).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(signals[0]?.aborted).toBe(true);
    await services.startServer({ port: 0 });
    Slow.gate.open();
    expect(await client(Slow, { services }).wait()).toBe('ended');
  });

  it.each([-1, Number.NaN, Infinity])('a timeoutMs of %d is refused, and cuts nothing off', async (timeoutMs) => {
    const call = client(Slow, { services }).wait();
    await Slow.gate.begun;
    expect(await codeOf(services.stopServer({ timeoutMs }))).toBe('BERTH_SERVICE_INVALID');
    expect(services.isServerRunning()).toBe(true);
    Slow.gate.open();
    expect(await call).toBe('ended');
  });

  it.each([0, 1, 2, 3, 4])('none slips in while a stop begins, %d turns after it was asked for', async (wait) => {
    const ends: string[] = [];
    const stopping = services.stopServer().then(() => ends.push('stopped'));
    for (let i = 0; i < wait; i += 1) await Promise.resolve();
    const call = codeOf(client(Slow, { services }).wait());
    const came = signals.length > 0;
    await turns();
    if (came) expect(ends).toEqual([]);
    Slow.gate.open();
    expect(await call).toBe(came ? 'ended' : 'BERTH_SERVICE_UNREACHABLE');
    await stopping;
  });

  it('restartServer() takes nothing from them (B4)', async () => {
    const call = client(Slow, { services }).wait();
    await Slow.gate.begun;
    await services.restartServer();
    Slow.gate.open();
    expect(await call).toBe('ended');
  });

  it('starts and stops that come at once happen one after the other', async () => {
    const call = client(Slow, { services }).wait();
    await Slow.gate.begun;
    const steps = [
      services.stopServer(),
      codeOf(services.stopServer()),
      services.startServer({ port: 0 }),
      services.close(),
    ];
    await turns();
    expect(services.isServerRunning()).toBe(false);
    Slow.gate.open();
    expect((await Promise.all(steps))[1]).toBe('BERTH_FUNCTION_SERVER_NOT_RUNNING');
    expect(await call).toBe('ended');
    expect(services.isServerRunning()).toBe(false);
  });
});

describe('stopTimeoutMs', () => {
  it.each(['stopServer', 'close'] as const)('is what %s() lets calls of this process have', async (stop) => {
    const services = new Services({ mock: true, services: [Slow], server: { stopTimeoutMs: 5 } });
    await services.startServer();
    const call = codeOf(client(Slow, { services }).wait());
    await Slow.gate.begun;
    await services[stop]();
    expect(await call).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    await services.close();
  });
});
