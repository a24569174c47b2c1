import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { silentLog } from '@berth/observability';
import {
  type AgentLink,
  type Conversation,
  dialGrpc,
  dialUnix,
  listenForAgents,
  PolicyAgent,
} from '@berth/policy-agents';
import { disposable, eventually } from '@berth/testing';
import { TestCa } from '@berth/testing/system';
import { chunk, complete, head } from '../testing/fake-gateway.js';
import { block, drop, needMore, type PolicyAgentOptions, replace, startPolicyAgent } from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-policy-'));
let sockets = 0;
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const hello = { proxyId: 'g1', proxyVersion: '1' };
const patience = { hello, timeoutMs: 5000 };

const trial = {
  name: 'trial',
  log: () => undefined,
  onRequest: ({ path }) => (path === '/no' ? block(403, 'no') : needMore()),
  onRequestBody: ({ text }) => replace(text.toUpperCase()),
  onResponseBody: () => drop(),
} satisfies PolicyAgentOptions;

/** A gateway's side, asking over one link. */
function gateway(link: AgentLink): { agent: PolicyAgent; begin: (id: string) => Conversation } & AsyncDisposable {
  const agent = new PolicyAgent('trial', { connections: 1 });
  agent.add(link);
  return { agent, begin: (id) => agent.begin(id), [Symbol.asyncDispose]: () => agent.close() };
}

describe('an agent that is asked in a call for each event', () => {
  it('keeps what it knows of an exchange until its end', async () => {
    const seen: string[] = [];
    const { promise, resolve } = Promise.withResolvers<undefined>();
    await using agent = await startPolicyAgent<{ heads: number }>({
      name: 'trial',
      listen: '127.0.0.1:0',
      log: (_level, message) => void seen.push(message),
      state: () => ({ heads: 0 }),
      onRequest: (_, { state }) => void (state.heads += 1),
      onRequestBody: ({ text }, { request, state }) => {
        seen.push(`${text} ${state.heads} ${request?.path ?? 'nothing'}`);
        return text === 'wait' ? promise : undefined;
      },
      onComplete: ({ correlationId }) => void seen.push(`end of ${correlationId}`),
      onCancel: (reason, { id }) => void seen.push(`${id} ${reason}`),
    });
    await using asks = gateway(await dialGrpc({ target: agent.addresses[0] ?? '', unary: true, ...patience }));
    const a = asks.begin('a');
    await a.ask(head('a', '/x'));
    await a.ask(chunk('requestBody', 'a', 'cat'));
    a.end(complete('a'));
    await eventually(() => seen.length === 2);
    const b = asks.begin('b');
    await b.ask(head('b', '/y'));
    const asked = b.ask(chunk('requestBody', 'b', 'wait'));
    await eventually(() => seen.length === 3);
    b.cancel('manual');
    await expect(asked).rejects.toThrow(/is over/);
    await eventually(() => seen.length === 4);
    expect(seen).toEqual(['cat 1 /x', 'end of a', 'wait 1 /y', 'b manual']);
    resolve(undefined);
    // The call is over as well: nobody would end it otherwise.
    await eventually(() => asks.agent.figures().lateAnswers === 1);
    expect(agent.connections).toBe(0);
  });
});

describe.each<[string, () => string, (address: string) => Promise<AgentLink>]>([
  [
    'a unix socket with MessagePack',
    () => `unix:${join(folder, `${(sockets += 1)}.sock`)}`,
    (address) => dialUnix({ path: address.slice('unix:'.length), ...patience }),
  ],
  [
    'a unix socket with JSON',
    () => `unix:${join(folder, `${(sockets += 1)}.sock`)}`,
    (address) => dialUnix({ path: address.slice('unix:'.length), encodings: ['json'], ...patience }),
  ],
  ['gRPC', () => '127.0.0.1:0', (address) => dialGrpc({ target: address, ...patience })],
])('an agent over %s', (_, place, dial) => {
  it('judges what a gateway asks', async () => {
    await using agent = await startPolicyAgent({ ...trial, listen: place() });
    await using asks = gateway(await dial(agent.addresses[0] ?? ''));
    const first = asks.begin('a');
    const refused = await first.ask(head('a', '/no'));
    first.end(complete('a'));
    expect(refused.answer.decision).toEqual({ kind: 'block', status: 403, body: 'no', headers: [] });
    const conversation = asks.begin('b');
    expect((await conversation.ask(head('b', '/'))).answer.needsMore).toBe(true);
    const changed = await conversation.ask(chunk('requestBody', 'b', 'cat'));
    expect(changed.answer.requestBody).toEqual({ chunkIndex: 0, data: Buffer.from('CAT') });
    const dropped = await conversation.ask(chunk('responseBody', 'b', 'dog'));
    expect(dropped.answer.responseBody).toEqual({ chunkIndex: 0, data: Buffer.alloc(0) });
    conversation.end(complete('b'));
  });

  it('is configured at its handshake, and by pushes that it takes or refuses', async () => {
    const given: unknown[] = [];
    await using agent = await startPolicyAgent({
      ...trial,
      listen: place(),
      onConfigure(config) {
        if (config === 'no') throw new Error('not this one');
        given.push(config);
      },
    });
    await using asks = gateway(await dial(agent.addresses[0] ?? ''));
    const good = asks.agent.push('{"a":1}');
    const bad = asks.agent.push('"no"');
    const state = (id: string): string | undefined => asks.agent.pushes().find((push) => push.id === id)?.state;
    await eventually(() => state(good.id) === 'acknowledged' && state(bad.id) === 'failed');
    expect(given).toEqual([{ a: 1 }]);
    expect(asks.agent.pushes().find(({ id }) => id === bad.id)?.error).toContain('not this one');
  });

  it('that closes says that it drains, and ends the connections', async () => {
    const agent = await startPolicyAgent({ ...trial, listen: place() });
    await using asks = gateway(await dial(agent.addresses[0] ?? ''));
    await eventually(() => agent.connections === 1);
    await agent.close();
    await eventually(() => asks.agent.figures().connections.length === 0);
    expect(agent.connections).toBe(0);
  });
});

it('an address that is taken is said at the start', async () => {
  await using agent = await startPolicyAgent({ ...trial, listen: '127.0.0.1:0' });
  const [taken = ''] = agent.addresses;
  await expect(startPolicyAgent({ ...trial, listen: taken })).rejects.toMatchObject({
    code: 'BERTH_SERVER_START_FAILED',
    message: expect.stringContaining(taken),
  });
  const nowhere = `unix:${join(folder, 'no/such/x.sock')}`;
  await expect(startPolicyAgent({ ...trial, listen: nowhere })).rejects.toThrow('no/such/x.sock');
});

describe('TLS', () => {
  const pki = new TestCa();
  afterAll(() => {
    pki.remove();
  });
  const pair = (name: string): { cert: string; key: string } => {
    const { certFile, keyFile } = pki.issue(name, 'IP:127.0.0.1');
    return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  };
  const ca = readFileSync(pki.caFile);

  it('gRPC: where the agent has a CA for proxies, those alone get in that have a certificate of it', async () => {
    const listen = 'grpcs://127.0.0.1:0';
    await using agent = await startPolicyAgent({ ...trial, listen, tls: { ...pair('agent'), ca: String(ca) } });
    const [target = ''] = agent.addresses;
    await expect(dialGrpc({ target, tls: { ca }, ...patience })).rejects.toThrow(target);
    const { cert, key } = pair('gateway');
    const tls = { ca, cert: Buffer.from(cert), key: Buffer.from(key) };
    await using _asks = gateway(await dialGrpc({ target, tls, ...patience }));
    await eventually(() => agent.connections === 1);
  });

  it('an agent that dials: the gateway must be of its CA', async () => {
    const { cert, key } = pair('gateway');
    const linked: AgentLink[] = [];
    await using listening = disposable(
      await listenForAgents({
        address: { host: '127.0.0.1', port: 0 },
        tls: { cert: Buffer.from(cert), key: Buffer.from(key) },
        hello,
        admit: () => undefined,
        taken: (link) => void linked.push(link),
        log: silentLog,
      }),
      (it) => it.close(),
    );
    const connect = `tls://${listening.address}`;
    const log: string[] = [];
    await using _stranger = await startPolicyAgent({ ...trial, connect, log: (_level, line) => void log.push(line) });
    await eventually(() => log.some((line) => line.includes('certificate')));
    await using agent = await startPolicyAgent({ ...trial, connect, tls: { ca: String(ca) } });
    await eventually(() => agent.connections === 1 && linked.length === 1);
  });
});
