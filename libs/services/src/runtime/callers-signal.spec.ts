import { getEventListeners } from 'node:events';
import { eventually } from '@berth/testing';
import { codeOf, Slow } from '../../testing/slow-service.js';
import { client, type ServiceClient } from '../client/client.js';
import { Services } from './services.js';

describe('a signal that many calls share', () => {
  const CALLS = 100;
  let services: Services;
  let ways: Record<'server' | 'here' | 'agent', [ServiceClient<Slow>, 'wait' | 'work']>;

  beforeEach(async () => {
    Slow.begin();
    services = new Services({ services: [Slow], agentConcurrency: CALLS });
    await services.startServer({ port: 0 });
    await services.startAgent(Slow);
    const here = client(Slow, { services });
    const remote = client(Slow, { address: `127.0.0.1:${services.getServerInfo().port ?? 0}` });
    ways = { server: [remote, 'wait'], here: [here, 'wait'], agent: [here, 'work'] };
  });
  afterEach(async () => {
    Slow.gate.open();
    await ways.server[0].close();
    await services.close();
  });

  it.each(['server', 'here', 'agent'] as const)(
    'has one listener for all of them, tells each, and keeps none: %s',
    async (way) => {
      const [slow, method] = ways[way];
      const leaving = new AbortController();
      const { signal } = leaving;
      const listeners = (): number => getEventListeners(signal, 'abort').length;
      const begin = (count: number): Promise<unknown>[] =>
        Array.from({ length: count }, () => codeOf(slow.with({ signal })[method]()));

      const answered = begin(1);
      await Slow.gate.begun;
      Slow.gate.open();
      expect(await Promise.all(answered)).toEqual(['ended']);
      expect(listeners()).toBe(0);

      Slow.begin();
      const left = begin(CALLS);
      await eventually(() => (Slow.signals.length === CALLS ? true : undefined));
      expect(listeners()).toBe(1);
      leaving.abort();
      expect(await Promise.all(left)).toEqual(Array(CALLS).fill('BERTH_SERVICE_CANCELLED'));
      expect(listeners()).toBe(0);
      await eventually(() => (Slow.signals.every(({ aborted }) => aborted) ? true : undefined));
    },
  );
});
