import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposable, eventually } from '@berth/testing';
import { outcome } from '../../testing/agent-lab.js';
import { completeEvent, headersEvent } from '../../testing/fake-link.js';
import { ServedAgent } from '../../testing/served-agent.js';
import { type AgentLink, type AgentServer, dialGrpc, dialUnix, PolicyAgent, serveGrpc, serveUnix } from '../index.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-policy-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const path = join(folder, 'waf.sock');
const common = { hello: { proxyId: 'proxy-1', proxyVersion: '1.0.0' }, timeoutMs: 5000 };
const block = { decision: { kind: 'block' as const, status: 403, headers: [] } };

/** Blocks every other request. */
const host = (): ServedAgent =>
  new ServedAgent((event) => (event.kind === 'requestHeaders' && event.uri === '/odd' ? block : {}));

interface Way {
  serve(address: string): Promise<AgentServer>;
  dial(address: string, signal: AbortSignal): Promise<AgentLink>;
}

const grpc: Way = {
  serve: (address) => serveGrpc({ address, host: host() }),
  dial: (target, signal) => dialGrpc({ ...common, target, signal }),
};
const unix: Way = {
  serve: () => serveUnix({ path, host: host() }),
  dial: (_, signal) => dialUnix({ ...common, path, signal }),
};

describe.each([
  ['gRPC', grpc],
  ['a unix socket', unix],
])('an agent over %s that is restarted again and again', (_, way) => {
  it.each(['open', 'closed'] as const)(
    'leaves no question open and decides none wrongly: fail %s',
    async (failMode) => {
      let server = await way.serve('127.0.0.1:0');
      const { address } = server;
      const dial = (signal: AbortSignal): Promise<AgentLink> => way.dial(address, signal);
      const agent = new PolicyAgent('waf', { failMode, timeoutMs: 10_000, connections: 2 }, { dial });
      await using _agent = disposable(agent, (it) => it.close());
      await agent.start();

      const seen = new Map<string, number>();
      let running = true;
      await using _clients = disposable({}, async () => {
        running = false;
        await Promise.all(clients);
        await server.close();
      });
      const client = async (name: string): Promise<void> => {
        for (let i = 0; running; i += 1) {
          const id = `${name}-${i}`;
          const isOdd = i % 2 === 1;
          const talk = agent.begin(id);
          const verdict = await outcome(talk.ask(headersEvent(id, { uri: isOdd ? '/odd' : '/even' })));
          talk.end(completeEvent(id));
          const what = verdict === 'block' || verdict === 'allow' ? `${isOdd ? 'odd' : 'even'} ${verdict}` : verdict;
          seen.set(what, (seen.get(what) ?? 0) + 1);
          // So that questions meet every moment of a restart, and the event loop sees to it meanwhile.
          await new Promise(setImmediate);
        }
      };
      const clients = ['a', 'b', 'c', 'd'].map(client);
      const decided = (): number => (seen.get('odd block') ?? 0) + (seen.get('even allow') ?? 0);
      for (let round = 0; round < 3; round += 1) {
        const before = decided();
        await eventually(() => decided() > before + 50);
        await server.close();
        server = await way.serve(address);
      }
      const before = decided();
      await eventually(() => decided() > before);
      running = false;
      await Promise.all(clients);
      const away =
        failMode === 'open'
          ? ['skipped']
          : [expect.stringMatching(/^(No connections available|the connection to policy agent waf ended)/) as string];
      const expected = ['odd block', 'even allow', ...away];
      for (const what of seen.keys()) expect(expected).toContainEqual(what);
      expect(agent.figures()).toMatchObject({ inFlight: 0, timeouts: 0, protocol: { conversations: 0 } });
      await server.close();
    },
  );
});
