import { client } from '../client/client.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { BerthError } from '@berth/errors';
import { silentLog } from '@berth/observability';
import { ServicesError } from '../errors.js';
import { type InstanceFactory, ServiceRegistry } from './service-registry.js';
import { Services } from './services.js';

@Service('Maker', { package: 'test' })
class Maker {
  constructor() {
    throw new Error('password wrong at db.internal');
  }
  @Method({ stateless: true }) work(): string {
    return 'done';
  }
  @Method() ofAnObject(): string {
    return 'done';
  }
}

const refused: InstanceFactory = () => {
  // Its text may hold what is nobody's business, like that of any other error.
  throw new ServicesError('BERTH_SERVICE_INVALID', 'password wrong at db.internal');
};

describe('a service that cannot be made', () => {
  const logged: { readonly err: Error; readonly service: string; readonly method: string }[] = [];
  const log = { ...silentLog, warn: () => undefined, info: () => undefined, debug: () => undefined };
  const keeping = Object.assign(log, { error: (fields: never) => logged.push(fields) }) as unknown as typeof silentLog;

  it.each<[string, InstanceFactory | undefined, string]>([
    ['its constructor throws', undefined, 'password wrong'],
    ['the factory throws', refused, 'password wrong'],
    ['the factory rejects', () => Promise.reject(new Error('password wrong')), 'password wrong'],
    ['the factory gives nothing', () => undefined as unknown as object, '`create` gave nothing'],
    ['the factory promises nothing', () => Promise.resolve(null as unknown as object), '`create` gave nothing'],
  ])('is named to the caller, and its cause only to the log: %s', async (_what, create, cause) => {
    const services = new Services({ mock: true, services: [Maker], log: keeping, ...(create && { create }) });
    await services.startServer();
    const caller = client(Maker, { services });
    for (const call of [() => caller.work(), () => caller.object('a').ofAnObject(), () => caller.work()]) {
      logged.length = 0;
      await expect(call()).rejects.toMatchObject({
        status: 'SYSTEM_ERROR',
        code: 'BERTH_INTERNAL',
        message: 'service test.Maker could not be made',
        details: {},
      });
      expect(logged).toMatchObject([{ service: 'test.Maker' }]);
      expect(logged[0]?.err.message).toContain(cause);
    }
    await services.close();
  });

  it('is asked for again by the next call', async () => {
    let fails = true;
    const create: InstanceFactory = () =>
      fails ? Promise.reject(new Error('not yet')) : Promise.resolve(Object.create(Maker.prototype) as object);
    const service = new ServiceRegistry().add(Maker, create);
    await expect(Promise.resolve(service.shared())).rejects.toBeInstanceOf(BerthError);
    fails = false;
    const made = await service.shared();
    expect(made).toBeInstanceOf(Maker);
    expect(service.shared()).toBe(made);
  });
});
