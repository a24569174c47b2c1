import { format } from 'node:util';
import { Undecorated, Worker } from '../../testing/worker-service.js';
import { Getter, Method, Setter, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { Services } from '../runtime/services.js';
import { client } from './client.js';

@Service('Vault', { package: 'test' })
class Vault {
  @Setter() @State() secret: string = 'initial';
  @Getter() @State() opened: number = 0;

  @Method() open(): string {
    this.opened += 1;
    return this.secret;
  }

  toString(): string {
    return `a vault that was opened ${this.opened} times`;
  }
  toJSON(): object {
    return { opened: this.opened };
  }
}

describe('a client', () => {
  let services: Services;

  beforeEach(async () => {
    services = new Services({ mock: true, services: [Vault] });
    await services.startServer();
  });
  afterEach(() => services.close());

  it('reads with a getter and writes with a setter, and with nothing else', async () => {
    const vault = client(Vault, { services }).object('1');
    await expect(vault.secret()).rejects.toThrow("'secret' of test.Vault can only be written: it has no @Getter");
    await expect(vault.opened(77)).rejects.toThrow("'opened' of test.Vault can only be read: it has no @Setter");
    await vault.secret('mine');
    expect(await vault.open()).toBe('mine');
    expect(await vault.opened()).toBe(1);
  });

  it.each([
    [{ timeoutMs: Number.NaN }, 'timeoutMs is NaN'],
    [{ timeoutMs: 1e15 }, 'timeoutMs is 1000000000000000'],
    [{ timeoutMs: 0 }, 'timeoutMs is 0'],
    [{ partition: -1 }, 'partition is -1'],
    [{ partition: 2 ** 32 }, 'partition is 4294967296'],
    [{ partition: 0.5 }, 'partition is 0.5'],
    [{ idempotencyKey: '' }, 'idempotencyKey has 0 bytes; it must have 1 to 256'],
    [{ idempotencyKey: 'x'.repeat(257) }, 'idempotencyKey has 257 bytes'],
    [{ idempotencyKey: '\ud800' }, 'idempotencyKey is not valid Unicode'],
    [{ signal: new AbortController() as unknown as AbortSignal }, 'signal must be an AbortSignal'],
  ])('refuses the options %j before anything is sent', (options, text) => {
    const vaults = client(Vault, { services });
    expect(() => vaults.object('1', options)).toThrow(text);
    expect(() => vaults.with(options)).toThrow(text);
    if (!('idempotencyKey' in options)) expect(() => client(Vault, { services, ...options })).toThrow(text);
  });

  it('can be written down, whatever its service has for that', () => {
    const vault = client(Vault, { services }).object('1');
    expect([typeof format('%s', vault), JSON.stringify(vault)]).toEqual(['string', '{}']);
  });

  it('says so when a method was taken off it', async () => {
    const vault = client(Vault, { services }).object('1');
    await expect(vault.open.call(undefined)).rejects.toThrow("'open' of test.Vault was taken off its client");
  });
});

describe('client', () => {
  it('says what it lacks', async () => {
    expect(() => client(Undecorated, { address: 'x' })).toThrow('not registered');
    expect(() => client(Worker, {})).toThrow('needs an address, a bus or services');
    const services = new Services({ mock: true, services: [Worker] });
    const workers = client(Worker, { bus: services.bus });
    await expect(workers.object('a').who()).rejects.toThrow('give the client an address');
    await expect(workers.work(1)).rejects.toThrow('belongs to an object');
    const hidden = workers.object('a') as unknown as Worker;
    await expect(hidden.startInstanceAgent()).rejects.toThrow('has no @Method');
    expect(() => workers.object(7 as never)).toThrow('numbers lose digits');
    await services.close();
  });

  it('is no promise: it can be returned from an async function', async () => {
    const services = new Services({ mock: true, services: [Worker] });
    await services.startAgent(Worker);
    const make = async () => Promise.resolve(client(Worker, { services }).object('x'));
    expect(await (await make()).work(2)).toBe(2);
    await services.close();
  });
});
