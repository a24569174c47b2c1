import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { eventually } from '@berth/testing';
import { codeOf } from '../../testing/slow-service.js';
import { client } from '../client/client.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import type { CallContext } from '../invocation/call-context.js';
import { Services } from './services.js';

const HOUR_MS = 3_600_000;

@Service('Clocks', { package: 'clocks' })
class Clocks {
  static begun = 0;

  @Method({ stateless: true }) async serve(ms: number, { deadline, signal }: CallContext): Promise<number> {
    Clocks.begun += 1;
    return sleep(ms, deadline - Date.now(), { signal });
  }
  @Method({ stateless: true, serveWithAgent: true }) async work(
    ms: number,
    { deadline, signal }: CallContext,
  ): Promise<number> {
    Clocks.begun += 1;
    return sleep(ms, deadline - Date.now(), { signal });
  }
}

describe("a system's clock that is set", () => {
  let services: Services;
  let address: string;

  beforeAll(async () => {
    services = new Services({ services: [Clocks] });
    await services.startServer({ port: 0 });
    await services.startAgent(Clocks);
    address = `127.0.0.1:${services.getServerInfo().port}`;
  });
  afterAll(() => services.close());

  for (const [what, step] of [
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
  ] as const)
    it(`${what} by an hour ends no call early, and no hopeless one late, whatever carries it`, async () => {
      await using near = client(Clocks, { services, timeoutMs: 10_000 });
      await using far = client(Clocks, { address, timeoutMs: 10_000 });
      Clocks.begun = 0;
      const calls = [near.serve(1000), near.work(1000), far.serve(1000)];
      const hopeless = [near, far].map((it) => it.with({ timeoutMs: 1000 }).serve(5000));
      hopeless.push(near.with({ timeoutMs: 1000 }).work(5000));
      // grpc-js has the deadline of a call that waits for its connection by the system's clock.
      await eventually(() => Clocks.begun === 6);
      const { now } = Date;
      using _set = jest.spyOn(Date, 'now').mockImplementation(() => now() + step);
      const set = performance.now();
      expect(await Promise.all(hopeless.map(codeOf))).toEqual(Array(3).fill('BERTH_SERVICE_TIMEOUT'));
      expect(performance.now() - set).toBeLessThan(4000);
      const later = [near.serve(1), near.work(1), far.serve(1)];
      // What a method is told of its time is by the clock that it can read.
      for (const left of await Promise.all([...calls, ...later])) {
        expect(left).toBeGreaterThan(5000);
        expect(left).toBeLessThanOrEqual(10_001);
      }
    });
});
