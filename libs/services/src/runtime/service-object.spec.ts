import { Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { client } from '../client/client.js';
import { closeServices, configureServices, listAgents } from './default-services.js';
import { ServiceObject } from './service-object.js';
import { boundRuntime, Services } from './services.js';

@Service('Bound', { package: 'shortcuts' })
class Bound extends ServiceObject {
  @State() count = 0;
  @Method({ serveWithAgent: true }) work(): number {
    return (this.count += 1);
  }
  @Method() startMine(): Promise<string> {
    return this.startInstanceAgent();
  }
}

describe('B11: the runtime of shortcuts', () => {
  const open: Services[] = [];
  const runtime = (...args: ConstructorParameters<typeof Services>): Services => {
    const services = new Services(...args);
    open.push(services);
    return services;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((services) => services.close()));
    await closeServices();
  });

  it('does not change when another one is looked at, starts a server, or deletes', async () => {
    const first = runtime({ mock: true, services: [Bound] });
    const other = runtime({ mock: true });
    expect(other.getServerInfo().registeredServices).toBeGreaterThan(0);
    other.health();
    expect([...other.services()]).toEqual([]);
    await other.startServer();
    await other.deleteObject(Bound, '1');
    expect([...other.services()].map(({ definition }) => definition.target)).toContain(Bound);
    expect(await Bound.startAgent()).toBe('shortcuts.Bound');
    expect([Object.keys(first.listAgents()), Object.keys(other.listAgents())]).toEqual([['shortcuts.Bound'], []]);
  });

  it('is the last one that was given the class: made with it, add(), startAgent()', async () => {
    const first = runtime({ mock: true, services: [Bound] });
    const second = runtime({ mock: true, services: [Bound] });
    expect(boundRuntime(Bound)).toBe(second);
    first.add(Bound);
    expect(boundRuntime(Bound)).toBe(first);
    await second.startAgent(Bound);
    expect(boundRuntime(Bound)).toBe(second);
  });

  it('is one that takes all classes, if nobody else has this one', async () => {
    const all = runtime({ mock: true });
    await all.startServer();
    expect(boundRuntime(Bound)).toBe(all);
  });

  it('is no closed one', async () => {
    const services = runtime({ mock: true, services: [Bound] });
    await services.close();
    services.add(Bound);
    expect(boundRuntime(Bound)).toBeUndefined();
    const all = runtime({ mock: true });
    await all.close();
    await expect(all.deleteObject(Bound, '1')).rejects.toMatchObject({ code: 'BERTH_SERVICE_STORE_UNAVAILABLE' });
    expect(boundRuntime(Bound)).toBeUndefined();
    const own = configureServices({ mock: true, services: [Bound] });
    expect(await Bound.startAgent()).toBe('shortcuts.Bound');
    expect(Object.keys(own.listAgents())).toEqual(['shortcuts.Bound']);
    const later = runtime({ mock: true, services: [Bound] });
    await closeServices();
    expect(boundRuntime(Bound)).toBe(later);
  });

  it('a stop makes no runtime', async () => {
    await expect(Bound.stopAgent()).rejects.toThrow('Agent shortcuts.Bound is not running');
    await expect(Bound.instance('1').stopInstanceAgent()).rejects.toThrow('Agent shortcuts.Bound:1 is not running');
    configureServices({ mock: true, services: [Bound] });
    expect(listAgents()).toEqual({});
  });

  it("an instance is in its runtime's partition, unless it names one (B5)", async () => {
    const services = runtime({ mock: true, services: [Bound], defaultPartition: 3 });
    const instance = Bound.instance('x');
    expect(await instance.startInstanceAgent()).toBe('shortcuts.Bound:x');
    expect(services.listAgents()['shortcuts.Bound:x']?.partitionId).toBe(3);
    expect(await client(Bound, { services }).object('x').work()).toBe(1);
    await instance.stopInstanceAgent();
    expect(await Bound.instance('x', 0).startInstanceAgent()).toBe('shortcuts.Bound:x@0');
    await expect(Bound.instance('x', -1).startInstanceAgent()).rejects.toThrow('partitionId is -1');
    await services.startServer();
    expect(await client(Bound, { services }).object('x', { partition: 5 }).startMine()).toBe('shortcuts.Bound:x@5');
  });

  it("object '7@3' is not object '7' of partition 3 (B5)", async () => {
    const services = runtime({ mock: true, services: [Bound] });
    const ids = [
      await services.startAgent(Bound, { objectId: '7@3' }),
      await services.startAgent(Bound, { objectId: '7', partitionId: 3 }),
    ];
    expect(ids).toEqual(['shortcuts.Bound:7@3@0', 'shortcuts.Bound:7@3']);
    await services.stopAgent({ service: Bound, objectId: '7@3' });
    expect(Object.keys(services.listAgents())).toEqual(['shortcuts.Bound:7@3']);
  });
});
