import { describeWithNats, eventually, NatsServer, tcpRelay } from '@berth/testing';
import { answering, invocation, SERVICE, subscription } from '../../testing/bus/lab.js';
import { client } from '../client/client.js';
import { Getter, Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { Services } from '../runtime/services.js';
import { Nats } from './nats.js';

@Service('Jar', { package: 'nats' })
class Jar {
  @Getter({ serveWithAgent: true }) @State() coins: number = 0;
  @Method({ serveWithAgent: true }) put(coins: number): number {
    return (this.coins += coins);
  }
}

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown }).code;

describeWithNats('Nats', () => {
  it('is bus and store over one connection, closed with one call', async () => {
    await using server = await NatsServer.start();
    {
      await using nats = await Nats.connect({ servers: server.url });
      const services = new Services({ services: [Jar], bus: nats.bus, store: nats.store });
      await services.startAgent(Jar);
      expect(await client(Jar, { services }).object('a').put(3)).toBe(3);
      await services.close();
    }
    await using nats = await Nats.connect({ servers: server.url });
    const services = new Services({ services: [Jar], bus: nats.bus, store: nats.store });
    await services.startAgent(Jar);
    expect(await client(Jar, { services }).object('a').coins()).toBe(3);
    await services.close();
    await nats.close();
    expect(nats.bus.health().state).toBe('closed');
  });

  it('keeps dead letters in NATS: another process lists them, and calls them again', async () => {
    await using server = await NatsServer.start();
    let fails = true;
    const serve = (nats: Nats) =>
      nats.bus.serve(subscription(), (delivery) =>
        fails ? Promise.reject(new Error('not yet')) : answering('done')(delivery),
      );
    const call = invocation();
    {
      await using nats = await Nats.connect({ servers: server.url, bus: { deadLetterTotalBytes: 1024 * 1024 } });
      await serve(nats);
      await nats.bus.invoke(call, { delivery: 'at-least-once' });
      // Written by the time that the bus is closed.
    }
    fails = false;
    await using nats = await Nats.connect({ servers: server.url });
    await serve(nats);
    expect(await nats.bus.deadLetters(SERVICE, 0)).toMatchObject([{ id: call.id, message: 'not yet' }]);
    expect(await nats.bus.retryDeadLetter(SERVICE, 0, call.id)).toMatchObject({ status: 0 });
    expect(await nats.bus.deadLetters(SERVICE, 0)).toEqual([]);
  });

  it('finds a server again that has refused it for a while, and says why meanwhile', async () => {
    const knowing = (password: string): string => `authorization { user: u, password: ${password} }`;
    const options = { config: knowing('right') };
    await using server = await NatsServer.start(options);
    await using relay = await tcpRelay(server.port);
    await using nats = await Nats.connect({ servers: `nats://u:right@127.0.0.1:${relay.port}` });
    const restart = async (password: string): Promise<void> => {
      options.config = knowing(password);
      await server.kill();
      await server.start();
    };
    await restart('other');
    await eventually(() => nats.store.health().reason === 'Authorization Violation', 10_000);
    const { connections } = relay;
    await eventually(() => relay.connections > connections + 2, 10_000);
    await restart('right');
    await eventually(() => nats.store.health().state === 'up' && nats.bus.health().state === 'up', 20_000);
  }, 60_000);

  it('leaves no connection behind when an option is wrong', async () => {
    await using server = await NatsServer.start();
    const wrong = [{ bus: { prefix: 'a b' } }, { store: { bucket: '?' } }, { connectTimeoutMs: 0 }];
    for (const options of wrong)
      expect(await Nats.connect({ servers: server.url, ...options }).catch(codeOf)).toBe('BERTH_SERVICE_INVALID');
  });

  it('tells the log of the runtime when its server is away', async () => {
    const server = await NatsServer.start();
    const texts: unknown[] = [];
    const told = (_fields: object, text: string): void => void texts.push(text);
    const log = { debug: told, info: told, warn: told, error: told } as never;
    await using nats = await Nats.connect({ servers: server.url });
    const services = new Services({ services: [Jar], bus: nats.bus, store: nats.store, log });
    await server.close();
    await eventually(() => texts.includes('the broker is away'));
    await services.close();
  });
});
