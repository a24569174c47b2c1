import { Inject, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type CallContext, Method, Service, type ServiceClient, State } from 'berth-services';
import { disposable } from '@berth/testing';
import { InjectService, serviceClientToken } from './inject-service.js';
import { ServicesModule } from './services.module.js';
import type { ServicesModuleOptions } from './services-module-options.js';

@Service('Tally', { package: 'inject' })
class Tally implements OnModuleInit {
  static inits = 0;
  @State() total: number = 0;
  onModuleInit(): void {
    Tally.inits += 1;
  }
  @Method() add(by: number): number {
    return (this.total += by);
  }
}

/** A service that calls another one. */
@Service('Shop', { package: 'inject' })
class Shop {
  constructor(@InjectService(Tally) private readonly tallies: ServiceClient<Tally>) {}
  @Method({ serveWithAgent: true, stateless: true }) sell(count: number, _context: CallContext): Promise<number> {
    return this.tallies.object('sold').add(count);
  }
}

@Injectable()
class Desk {
  @InjectService(Tally) readonly tallies!: ServiceClient<Tally>;
  constructor(@InjectService(Shop) readonly shop: ServiceClient<Shop>) {}
}

async function application(options: ServicesModuleOptions, imports: object[] = [], providers: object[] = [Desk]) {
  const module = await Test.createTestingModule({
    imports: [ServicesModule.forRoot({ mock: true, server: {}, agents: [Shop], ...options }), ...(imports as [])],
    providers: providers as [],
  }).compile();
  return disposable(module.createNestApplication({ logger: false }), (app) => app.close());
}

describe('@InjectService()', () => {
  beforeEach(() => (Tally.inits = 0));

  it('injects clients of the listed services, into services too', async () => {
    await using app = await application({ services: [Tally, Shop] });
    await app.init();
    const { shop, tallies } = app.get(Desk);
    expect([await shop.sell(2), await tallies.object('sold').add(1)]).toEqual([2, 3]);
    // Nest's hooks are the provider's; its client is not called.
    expect(Tally.inits).toBe(1);
  });

  it('injects those of services that other modules provide, when they are named', async () => {
    @Module({ providers: [Tally] })
    class Feature {}
    await using app = await application({ services: [Shop], clients: [Tally] }, [Feature]);
    await app.init();
    expect(await app.get(Desk).shop.sell(5)).toBe(5);
  });

  it('says where to list a class that is listed nowhere', async () => {
    @Injectable()
    class Alone {
      constructor(@Inject(serviceClientToken(Tally)) readonly tallies: object) {}
    }
    await expect(application({ agents: [] }, [], [Alone])).rejects.toThrow('client of Tally (ServicesModule: services');
    expect(() => ServicesModule.forRoot({ clients: [Alone] })).toThrow('Alone');
  });
});
