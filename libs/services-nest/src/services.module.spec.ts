import { Inject, Injectable, Module, type OnApplicationShutdown, Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { client, MemoryBus, MemoryStore, Method, Service, Services, ServicesError, State } from 'berth-services';
import { ServicesModule } from './services.module.js';
import type { ServicesModuleOptions } from './services-module-options.js';

@Injectable()
class Clock {
  made = 0;
  now(): string {
    this.made += 1;
    return 'noon';
  }
}

@Module({ providers: [Clock], exports: [Clock] })
class ClockModule {}

@Service('Notes', { package: 'nest' })
class Notes {
  @State() private readonly lines: string[] = [];

  constructor(@Inject(Clock) private readonly clock: Clock) {}

  @Method({ stateless: true }) now(): string {
    return this.clock.now();
  }
  @Method({ stateless: true }) remember(line: string): number {
    return this.lines.push(line);
  }
  @Method() add(line: string): string[] {
    this.lines.push(`${this.clock.now()} ${line}`);
    return this.lines;
  }
  @Method({ serveWithAgent: true }) last(): string {
    return this.lines.at(-1) ?? '';
  }
}

@Injectable()
class Reader {
  constructor(
    @Inject(Notes) readonly notes: Notes,
    @Inject(Services) readonly services: Services,
  ) {}
}

describe('ServicesModule', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function application(options: ServicesModuleOptions, providers: object[] = [], imports: object[] = []) {
    const builder = Test.createTestingModule({
      imports: [ServicesModule.forRoot({ mock: true, ...options }), ...(imports as [])],
      providers: providers as [],
    });
    const app = (await builder.compile()).createNestApplication({ logger: false });
    ends.push(() => app.close());
    return app;
  }

  const NOTES = { services: [Notes], imports: [ClockModule] };

  it('gives dependencies to the stateless instance and to every object', async () => {
    const app = await application({ ...NOTES, server: {} });
    await app.init();
    const notes = client(Notes, { services: app.get(Services) });
    expect(await notes.now()).toBe('noon');
    expect(await notes.object('a').add('tea')).toEqual(['noon tea']);
    expect(await notes.object('b').add('cake')).toEqual(['noon cake']);
    expect(await notes.object('a').add('milk')).toEqual(['noon tea', 'noon milk']);
    expect(app.get(Clock).made).toBe(4);
  });

  it('serves stateless calls with the provider that others inject, and keeps it apart from objects', async () => {
    const app = await application({ ...NOTES, server: {} }, [Reader]);
    await app.init();
    const { notes, services } = app.get(Reader);
    notes.remember('in the provider');
    const remote = client(Notes, { services });
    expect(await remote.remember('by a call')).toBe(2);
    expect(await remote.object('a').add('own')).toEqual(['noon own']);
  });

  it('finds services that other modules provide, and gives them the dependencies of those modules', async () => {
    @Module({ providers: [Clock, Notes] })
    class Feature {}
    const app = await application({ server: {} }, [], [Feature]);
    await app.init();
    const notes = client(Notes, { services: app.get(Services) });
    expect(await notes.now()).toBe('noon');
    expect(await notes.object('a').add('tea')).toEqual(['noon tea']);
  });

  it('serves only what the application provides', async () => {
    @Service('Stranger', { package: 'nest' })
    class Stranger {
      @Method({ stateless: true }) run(): void {
        return;
      }
    }
    const app = await application({ ...NOTES, server: {} });
    await app.init();
    const services = app.get(Services);
    expect([...services.services()].map(({ definition }) => definition.id)).toEqual(['nest.Notes']);
    expect(services.getServerInfo().registeredServices).toBe(1);
    await expect(client(Stranger, { services }).run()).rejects.toMatchObject({ code: 'BERTH_SERVICE_NOT_FOUND' });
  });

  it('takes the place of a provider that a test overrides, for calls and objects', async () => {
    class Fake extends Notes {
      override now(): string {
        return 'midnight';
      }
      override add(line: string): string[] {
        return [`fake ${line}`];
      }
    }
    const module = await Test.createTestingModule({
      imports: [ServicesModule.forRoot({ mock: true, server: {}, ...NOTES })],
    })
      .overrideProvider(Notes)
      .useClass(Fake)
      .compile();
    const app = module.createNestApplication({ logger: false });
    ends.push(() => app.close());
    await app.init();
    const notes = client(Notes, { services: app.get(Services) });
    expect(await notes.now()).toBe('midnight');
    expect(await notes.object('a').add('tea')).toEqual(['fake tea']);
  });

  it('exports to every module when it is global', async () => {
    @Module({ providers: [Reader] })
    class Elsewhere {}
    const app = await application({ ...NOTES, global: true }, [], [Elsewhere]);
    await app.init();
    expect(app.get(Reader).services).toBe(app.get(Services));
    await expect(application({ ...NOTES }, [], [Elsewhere])).rejects.toThrow(
      "can't resolve dependencies of the Reader",
    );
  });

  it('takes settings from a factory, and leaves a bus and a store that it was given open', async () => {
    const bus = new MemoryBus();
    const store = new MemoryStore();
    ends.push(
      () => bus.close(),
      () => store.close(),
    );
    @Module({ providers: [{ provide: 'BUS', useValue: bus }], exports: ['BUS'] })
    class BusModule {}
    const module = await Test.createTestingModule({
      imports: [
        ServicesModule.forRootAsync({
          imports: [BusModule, ClockModule],
          inject: ['BUS'],
          useFactory: (given: MemoryBus) => Promise.resolve({ mock: true, bus: given, store, agents: [Notes] }),
          services: [Notes],
        }),
      ],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.init();
    expect(app.get(Services).bus).toBe(bus);
    expect(await client(Notes, { bus }).object('a').last()).toBe('');
    await app.close();
    expect([bus.health().state, store.health().state]).toEqual(['up', 'up']);
  });

  it('is done with a given bus before the module that owns it closes it', async () => {
    const order: string[] = [];
    class OwnedBus extends MemoryBus implements OnApplicationShutdown {
      async onApplicationShutdown(): Promise<void> {
        order.push('bus closed');
        await this.close();
      }
    }
    @Module({ providers: [OwnedBus], exports: [OwnedBus] })
    class BusModule {}
    const module = await Test.createTestingModule({
      imports: [
        // The application itself may want it too, in any order.
        BusModule,
        ServicesModule.forRootAsync({
          imports: [BusModule, ClockModule],
          inject: [OwnedBus],
          useFactory: (bus: OwnedBus) => ({ mock: true, bus, agents: [Notes] }),
          services: [Notes],
        }),
      ],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.init();
    const services = app.get(Services);
    const close = services.close.bind(services);
    services.close = async () => {
      await close();
      order.push('services closed');
    };
    await app.close();
    expect(order).toEqual(['services closed', 'bus closed']);
  });

  it('closes a bus and a store that it made', async () => {
    const app = await application(NOTES);
    await app.init();
    const { bus, store } = app.get(Services);
    await app.close();
    expect([bus.health().state, store.health().state]).toEqual(['closed', 'closed']);
  });

  describe('refuses to start', () => {
    const refused = async (options: ServicesModuleOptions, message: string, imports: object[] = []) => {
      const start = async (): Promise<void> => {
        const app = await application(options, [], imports);
        await app.init();
      };
      const error: unknown = await start().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ServicesError);
      expect(error).toMatchObject({ code: 'BERTH_SERVICE_INVALID', message: expect.stringContaining(message) });
    };

    it('with two classes of one id', async () => {
      @Service('Notes', { package: 'nest' })
      class OtherNotes {}
      await refused(
        { ...NOTES, services: [Notes, OtherNotes] },
        "two classes, Notes and OtherNotes, are called 'nest.Notes'",
      );
    });

    it('with a class that two modules provide', async () => {
      @Module({ providers: [Clock, Notes] })
      class Feature {}
      await refused(NOTES, 'Notes is provided by ServicesModule and by Feature: provide it in one', [Feature]);
    });

    it('with a class that lives as long as a request only', async () => {
      @Injectable({ scope: Scope.REQUEST })
      class PerRequest {}
      @Service('Short', { package: 'nest' })
      class Short {
        constructor(@Inject(PerRequest) readonly it: PerRequest) {}
      }
      @Module({ providers: [PerRequest, Short] })
      class Feature {}
      await refused({}, 'Short (Feature) is not a singleton', [Feature]);
    });

    it('with a class that is not decorated', async () => {
      class Plain {
        readonly nothing = 0;
      }
      await refused({ services: [Plain] }, 'Service class Plain not registered: @Service is missing');
    });

    it('with an option out of its range', async () => {
      await refused({ defaultTimeoutMs: 0 }, 'defaultTimeoutMs is 0');
    });
  });
});
