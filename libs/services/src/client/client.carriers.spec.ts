import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import type { CallContext } from '../invocation/call-context.js';
import { Services } from '../runtime/services.js';
import { client, type ClientOptions, type ServiceClient } from './client.js';
import type { CallOptions } from './remote.js';

@Service('Carried', { package: 'test' })
class Carried {
  @Method({ stateless: true, delivery: 'at-least-once' }) key(_: undefined, call: CallContext): string {
    return call.idempotencyKey ?? '';
  }
  @Method({ stateless: true, delivery: 'at-least-once', serveWithAgent: true }) keyAtAgent(
    _: undefined,
    call: CallContext,
  ): string {
    return call.idempotencyKey ?? '';
  }
  @Method() ofAnObject(): string {
    return 'done';
  }
}

describe.each(['gRPC', 'this process', 'mock mode', 'the bus'])('a client over %s', (carrier) => {
  const services = new Services({ services: [Carried], mock: carrier === 'mock mode' });
  const clients: ServiceClient<Carried>[] = [];
  let options: ClientOptions = {};

  beforeAll(async () => {
    await services.startServer({ port: 0 });
    await services.startAgent(Carried);
    if (carrier === 'gRPC') options = { address: `127.0.0.1:${services.getServerInfo().port ?? 0}` };
    else options = carrier === 'the bus' ? { bus: services.bus } : { services };
  });
  afterAll(async () => {
    for (const it of clients) await it.close();
    await services.close();
  });

  const made = (): ServiceClient<Carried> => {
    const it = client(Carried, options);
    clients.push(it);
    return it;
  };
  const keyOf = (it: ServiceClient<Carried>, call: CallOptions): Promise<string> =>
    carrier === 'the bus' ? it.with(call).keyAtAgent() : it.with(call).key();

  it('takes idempotency keys of 256 bytes, and refuses longer ones before anything is sent', async () => {
    const it = made();
    const longest = 'é'.repeat(128);
    expect(await keyOf(it, { idempotencyKey: longest })).toBe(longest);
    expect(() => it.with({ idempotencyKey: `${longest}x` })).toThrow(
      'a client of test.Carried: idempotencyKey has 257 bytes; it must have 1 to 256',
    );
    expect(() => it.with({ idempotencyKey: 7 as never })).toThrow('idempotencyKey is a value of type number');
  });

  it.each([
    [{ a: 1 }, 'options.a is a value of type number; it must be a string'],
    [{ a: 'x', b: null }, 'options.b is null'],
    ['words', 'options is a value of type string'],
  ])('refuses the words %j to the method', (words, text) => {
    const wrong = { options: words as never };
    expect(() => made().with(wrong)).toThrow(text);
    expect(() => made().object('1', wrong)).toThrow(text);
    expect(() => client(Carried, { ...options, ...wrong })).toThrow(text);
  });

  it('that has been closed refuses its calls, and those of its handles', async () => {
    const it = made();
    const handle = it.with({});
    const object = it.object('1');
    await it.close();
    await it.close();
    const refusal = { code: 'BERTH_SERVICE_CANCELLED', message: 'the client has been closed' };
    for (const call of [() => it.key(), () => it.keyAtAgent(), () => handle.key(), () => object.ofAnObject()])
      await expect(call()).rejects.toMatchObject(refusal);
    expect(await keyOf(made(), { idempotencyKey: 'k' })).toBe('k');
  });
});

describe('a client in TypeScript', () => {
  it('is told how to name an object', async () => {
    const services = new Services({ mock: true, services: [Carried] });
    await expect(client(Carried, { services }).ofAnObject()).rejects.toThrow(
      "'ofAnObject' belongs to an object: name one, with client.object(id).ofAnObject(), or InvokeObj on the wire",
    );
    await services.close();
  });
});
