import {
  type DynamicModule,
  Global,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { client, MemoryBus, Method, Service, Services } from 'berth-services';
import { eventually } from '@berth/testing';
import { ServicesModule } from './services.module.js';
import type { ServicesModuleOptions } from './services-module-options.js';

let events: string[] = [];
let open = (): void => undefined;
let opened = Promise.resolve();

@Injectable()
class Db implements OnApplicationBootstrap, OnModuleDestroy {
  onApplicationBootstrap(): void {
    events.push('db ready');
  }
  onModuleDestroy(): void {
    events.push('db closed');
  }
}

@Injectable()
class Repository {
  constructor(@Inject(Db) readonly db: Db) {}
}

/** Deeper in dependencies than anything of the module that starts and stops it. */
@Service('Orders', { package: 'order_nest' })
class Orders implements OnModuleDestroy {
  constructor(@Inject(Repository) readonly repository: Repository) {}

  @Method({ stateless: true }) async place(): Promise<void> {
    events.push('call began');
    await opened;
    events.push('call ended');
  }
  @Method({ serveWithAgent: true }) async ship(): Promise<void> {
    await this.place();
  }
  onModuleDestroy(): void {
    events.push('service destroyed');
  }
}

class StartsLoudly extends MemoryBus {
  override serve(...args: Parameters<MemoryBus['serve']>): ReturnType<MemoryBus['serve']> {
    events.push('agent starts');
    return super.serve(...args);
  }
}

const DB = { providers: [Db, Repository], exports: [Db, Repository] };

@Module(DB)
class DbModule {}

@Global()
@Module(DB)
class GlobalDbModule {}

@Module({ providers: [...DB.providers, Orders] })
class ShopModule {}

describe('ServicesModule, among other modules', () => {
  const ends: (() => Promise<void>)[] = [];
  beforeEach(() => {
    events = [];
    opened = new Promise((resolve) => (open = resolve));
  });
  afterEach(async () => {
    open();
    for (const end of ends.splice(0).reverse()) await end();
  });

  function services(options: ServicesModuleOptions = {}): DynamicModule {
    const bus = new StartsLoudly();
    ends.push(() => bus.close());
    return ServicesModule.forRoot({ mock: true, bus, server: {}, agents: [Orders], ...options });
  }

  async function application(metadata: ModuleMetadata) {
    const app = (await Test.createTestingModule(metadata).compile()).createNestApplication({ logger: false });
    ends.push(() => app.close());
    return app;
  }

  const LISTED = { services: [Orders], imports: [DbModule] };
  const shapes: [string, () => ModuleMetadata][] = [
    ['listed, with a module of its own', () => ({ imports: [services(LISTED)] })],
    ['listed, global, with a module of its own', () => ({ imports: [services({ ...LISTED, global: true })] })],
    ['listed, with a global module', () => ({ imports: [services({ services: [Orders] }), GlobalDbModule] })],
    ['in a module imported before it', () => ({ imports: [ShopModule, services()] })],
    ['in a module imported after it', () => ({ imports: [services(), ShopModule] })],
    ['in the root module', () => ({ ...DB, imports: [services()], providers: [...DB.providers, Orders] })],
  ];

  it.each(shapes)('B2, B7: starts last and drains first, when the service is %s', async (_where, metadata) => {
    const app = await application(metadata());
    await app.init();
    expect(events).toEqual(['db ready', 'agent starts']);
    const orders = client(Orders, { services: app.get(Services) });
    const calls = [orders.place(), orders.object('1').ship()];
    await eventually(() => events.length === 4);
    const closing = app.close();
    await eventually(() => Object.values(app.get(Services).listAgents()).every(({ state }) => state === 'stopping'));
    expect(events.slice(2)).toEqual(['call began', 'call began']);
    open();
    await Promise.all(calls);
    await closing;
    expect(events.slice(4, 6)).toEqual(['call ended', 'call ended']);
    expect(events.slice(6).toSorted()).toEqual(['db closed', 'service destroyed']);
  });

  it('refuses to be imported twice, and says how to share it', async () => {
    @Module({ imports: [ServicesModule.forRoot({ mock: true, server: {} })] })
    class Feature {}
    const starts = application({ imports: [Feature, services(LISTED)] });
    await expect(starts).rejects.toMatchObject({
      code: 'BERTH_SERVICE_INVALID',
      message: expect.stringMatching(/^ServicesModule is imported 2 times: call forRoot .* once, with global: true/),
    });
    // Without forRoot it would be a second one, too, with nothing in it.
    await expect(application({ imports: [ServicesModule, services(LISTED)] })).rejects.toThrow('imported 2 times');
  });

  it('may be imported by several modules as one', async () => {
    const one = services(LISTED);
    @Module({ imports: [one] })
    class Feature {
      constructor(@Inject(Services) readonly services: Services) {}
    }
    const app = await application({ imports: [Feature, one] });
    await app.init();
    expect(app.get(Feature).services).toBe(app.get(Services));
  });
});
