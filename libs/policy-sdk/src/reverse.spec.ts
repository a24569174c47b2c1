import { expect, it } from '@jest/globals';
import { BerthError } from '@berth/errors';
import { silentLog } from '@berth/observability';
import { type AgentLink, listenForAgents, PolicyAgent, type Registration } from '@berth/policy-agents';
import { disposable, eventually } from '@berth/testing';
import { complete, head } from '../testing/fake-gateway.js';
import { block, startPolicyAgent } from './index.js';

interface Listener extends AsyncDisposable {
  readonly address: string;
  readonly links: AgentLink[];
  readonly registrations: Registration[];
  close(): Promise<void>;
}

async function listener(port = 0): Promise<Listener> {
  const links: AgentLink[] = [];
  const registrations: Registration[] = [];
  const listening = await listenForAgents({
    address: { host: '127.0.0.1', port },
    hello: { proxyId: 'g1', proxyVersion: '1' },
    admit(registration) {
      registrations.push(registration);
      return registration.token === 's3cret' ? undefined : new BerthError('BERTH_UNAUTHENTICATED', 'wrong token');
    },
    taken: (link) => void links.push(link),
    log: silentLog,
  });
  const close = (): Promise<void> => listening.close();
  return { address: listening.address, links, registrations, close, [Symbol.asyncDispose]: close };
}

const onRequest = (): ReturnType<typeof block> => block(403, 'no');

it('an agent that dials registers, is asked, and comes back when the gateway does', async () => {
  const first = await listener();
  await using agent = await startPolicyAgent({
    name: 'trial',
    version: '2.0',
    connect: `tcp://${first.address}`,
    connections: 2,
    token: 's3cret',
    log: () => undefined,
    onRequest,
  });
  await eventually(() => first.links.length === 2 && agent.connections === 2);
  expect(first.registrations[0]).toMatchObject({ agentId: 'trial', capabilities: { version: '2.0' } });
  const [link] = first.links;
  if (link === undefined) throw new Error('no link');
  await using asks = disposable(new PolicyAgent('trial'), (it) => it.close());
  asks.add(link);
  const conversation = asks.begin('a');
  expect((await conversation.ask(head('a'))).answer.decision).toMatchObject({ kind: 'block', status: 403 });
  conversation.end(complete('a'));
  await first.close();
  await eventually(() => agent.connections === 0);
  await using second = await listener(Number(first.address.split(':').at(-1)));
  await eventually(() => second.links.length === 2);
});

it('one that is refused says why, without its token, and tries again', async () => {
  await using gateway = await listener();
  const log: string[] = [];
  await using agent = await startPolicyAgent({
    name: 'trial',
    connect: `tcp://${gateway.address}`,
    token: 'mist4ke',
    log: (level, message) => void log.push(`${level} ${message}`),
    onRequest,
  });
  await eventually(() => gateway.registrations.length >= 2);
  expect(agent.connections).toBe(0);
  expect(log).toEqual([expect.stringMatching(/^warn proxy at 127\.0\.0\.1:\d+: .*wrong token; it is tried again$/)]);
  expect(log.join()).not.toContain('mist4ke');
});

it('one whose gateway is away, and later says no, says both', async () => {
  const away = await listener();
  await away.close();
  const log: string[] = [];
  await using _agent = await startPolicyAgent({
    name: 'trial',
    connect: `tcp://${away.address}`,
    token: 'mist4ke',
    log: (_level, message) => void log.push(message),
    onRequest,
  });
  await eventually(() => log.length === 1);
  await using _gateway = await listener(Number(away.address.split(':').at(-1)));
  await eventually(() => log.length === 2);
  expect(log).toEqual([expect.stringContaining('ECONNREFUSED'), expect.stringContaining('wrong token')]);
});

it('one whose gateway is away closes all the same', async () => {
  const agent = await startPolicyAgent({ name: 'x', connect: 'tcp://127.0.0.1:9', log: () => undefined, onRequest });
  await agent.close();
});
