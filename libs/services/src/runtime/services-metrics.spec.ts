import { type OpenMetricsContentType, Registry } from 'prom-client';
import { type Family, parsePrometheus } from '@berth/testing/system';
import { client } from '../client/client.js';
import { Getter, Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { InvocationStatus } from '../invocation/invocation.js';
import { registerServicesMetrics } from './services-metrics.js';
import { Services } from './services.js';

@Service('Measured', { package: 'metrics' })
class Measured {
  @Getter() @State() count = 0;

  @Method({ stateless: true }) run(how: 'well' | 'badly'): string {
    if (how === 'badly') throw new Error('as asked');
    return how;
  }
  @Method({ stateless: true, name: 'wait' }) hold(): Promise<void> {
    return held;
  }
  @Method({ serveWithAgent: true }) add(by: number): number {
    return (this.count += by);
  }
}

let held: Promise<void> = Promise.resolve();

describe('B17: registerServicesMetrics', () => {
  let services: Services;
  let registry: Registry;

  beforeEach(async () => {
    services = new Services({ mock: true, services: [Measured] });
    registry = new Registry();
    registerServicesMetrics(services, registry);
    await services.startServer();
  });
  afterEach(() => services.close());

  const scrape = async (): Promise<Map<string, Family>> => parsePrometheus(await registry.metrics());

  async function values(name: string, labels: Record<string, string> = {}): Promise<Record<string, number>> {
    const samples = (await scrape()).get(name)?.samples ?? [];
    const fitting = samples.filter(({ labels: its }) =>
      Object.entries(labels).every(([key, text]) => its[key] === text),
    );
    return Object.fromEntries(
      fitting.map(({ name: sample, labels: its, value }) => {
        const rest = Object.entries(its).filter(([key]) => !(key in labels));
        return [rest.length === 0 ? sample : rest.map(([, text]) => text).join(' '), value];
      }),
    );
  }

  it('shows every method from the start, at 0', async () => {
    const families = await scrape();
    expect(families.get('berth_service_calls_total')?.type).toBe('counter');
    expect(families.get('berth_service_call_duration_seconds')?.type).toBe('histogram');
    const calls = families.get('berth_service_calls_total')?.samples ?? [];
    expect(calls).toHaveLength(4 * 4);
    expect(calls.every(({ value, labels }) => value === 0 && labels['service'] === 'metrics.Measured')).toBe(true);
    expect(await values('berth_service_calls_in_flight', { service: 'metrics.Measured' })).toEqual({
      ...{ run: 0, wait: 0, add: 0, get_count: 0 },
    });
  });

  it('counts calls by how they ended', async () => {
    const measured = client(Measured, { services });
    await measured.run('well');
    await measured.run('well');
    await expect(measured.run('badly')).rejects.toThrow();
    const noText = { ...invocation('run'), payload: Uint8Array.of(0xff) };
    expect((await services.localServer().invoke(noText, CALL)).status).toBe(InvocationStatus.INVALID_REQUEST);
    expect(await values('berth_service_calls_total', { method: 'run' })).toEqual({
      ...{ 'metrics.Measured okay': 2, 'metrics.Measured app_error': 1 },
      ...{ 'metrics.Measured invalid_request': 1, 'metrics.Measured system_error': 0 },
    });
    const samples = (await scrape()).get('berth_service_call_duration_seconds')?.samples ?? [];
    const ofRun = samples.filter(({ labels }) => labels['method'] === 'run');
    expect(ofRun.find(({ name }) => name.endsWith('_count'))?.value).toBe(4);
    expect(ofRun.find(({ labels }) => labels['le'] === '+Inf')?.value).toBe(4);
    expect(ofRun.find(({ name }) => name.endsWith('_sum'))?.value).toBeGreaterThan(0);
  });

  it('makes no labels of what callers make up', async () => {
    const before = (await scrape()).get('berth_service_calls_total')?.samples.length;
    const server = services.localServer();
    for (let i = 0; i < 50; i += 1) {
      await server.invoke(invocation(`made_up_${i}`), CALL);
      await server.invoke({ ...invocation('run'), service: `made.Up${i}` }, CALL);
    }
    const text = await registry.metrics();
    expect(text).not.toMatch(/made/i);
    expect(parsePrometheus(text).get('berth_service_calls_total')?.samples).toHaveLength(before ?? -1);
  });

  it('shows calls under way, objects in memory, agents by state, and what is up', async () => {
    let release = (): void => undefined;
    held = new Promise((resolve) => (release = resolve));
    const measured = client(Measured, { services });
    const waiting = measured.hold();
    await services.startAgent(Measured);
    await measured.object('a').add(1);
    await measured.object('b').add(1);
    expect(await values('berth_service_calls_in_flight', { method: 'wait' })).toEqual({ 'metrics.Measured': 1 });
    expect(await values('berth_service_active_objects')).toEqual({ berth_service_active_objects: 2 });
    expect(await values('berth_service_agents')).toEqual({
      ...{ starting: 0, running: 1, reconnecting: 0, stopping: 0, stopped: 0 },
    });
    expect(await values('berth_service_up')).toEqual({ bus: 1, store: 1, server: 1 });
    release();
    await waiting;
    expect(await values('berth_service_calls_in_flight', { method: 'wait' })).toEqual({ 'metrics.Measured': 0 });
    await services.close();
    expect(await values('berth_service_up')).toEqual({ bus: 0, store: 0, server: 0 });
    expect(await values('berth_service_agents')).toMatchObject({ running: 0 });
  });

  it('refuses a registry that shows another runtime, and leaves it as it was', async () => {
    const other = new Services({ mock: true, services: [] });
    expect(() => registerServicesMetrics(other, registry)).toThrow(
      'give each runtime of services a registry of its own',
    );
    expect((await scrape()).get('berth_service_calls_total')?.samples).not.toHaveLength(0);
    await other.close();
  });

  it('can be taken out of the registry, which then takes another runtime', async () => {
    const other = new Services({ mock: true, services: [] });
    const shared = new Registry();
    registerServicesMetrics(services, shared)();
    expect(shared.getMetricsAsArray()).toEqual([]);
    registerServicesMetrics(other, shared);
    expect(await shared.metrics()).not.toContain('metrics.Measured');
    await other.close();
  });

  it('names counters as OpenMetrics wants them', async () => {
    const open = new Registry<OpenMetricsContentType>();
    open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    registerServicesMetrics(services, open);
    const text = await open.metrics();
    expect(text).toContain('# TYPE berth_service_calls counter\n');
    expect(text).toMatch(/^berth_service_calls_total\{service="metrics.Measured",method="run",status="okay"\} 0$/m);
    expect(text).not.toContain('_total_total');
  });
});

const CALL = { delivery: 'at-most-once' } as const;

function invocation(method: string) {
  return {
    ...{ id: 'i', service: 'metrics.Measured', method, partition: 0, payload: new Uint8Array(0), options: {} },
    deadline: Date.now() + 5000,
  };
}
