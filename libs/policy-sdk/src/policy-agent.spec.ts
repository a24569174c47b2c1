import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import type { ConfigureEvent, ProxyMessage } from '@berth/policy-agents';
import { FakeGateways, head } from '../testing/fake-gateway.js';
import { type PolicyAgentOptions, startPolicyAgent } from './index.js';

const pushed = (configJson: string, more: Partial<ConfigureEvent> = {}): ProxyMessage => ({
  kind: 'configure',
  configJson,
  isInitial: false,
  timestampMs: 5,
  ...more,
});

describe('what the agent says of itself', () => {
  it('follows from its handlers', async () => {
    await using plain = await FakeGateways.with({ onRequest: () => undefined, onConfigure: () => undefined });
    expect([...plain.host.capabilities().supportedEvents].sort()).toEqual(['configure', 'requestHeaders']);
    expect(plain.host.capabilities().features).toMatchObject({ configPush: true, streamingBody: false });
    await using body = await FakeGateways.with({ onResponseBody: () => undefined, maxBodyBytes: 100 });
    expect([...body.host.capabilities().supportedEvents].sort()).toEqual(['requestComplete', 'responseBody']);
    expect(body.host.capabilities()).toMatchObject({ features: { streamingBody: true }, limits: { maxBodySize: 100 } });
  });

  it('is reported again and again: health over each connection, figures to each gateway once', async () => {
    jest.useFakeTimers();
    try {
      await using it = await FakeGateways.with({
        onRequest: () => undefined,
        reportIntervalMs: 1000,
        metrics: () => ({ gauges: [{ name: 'rules', value: 7 }] }),
      });
      const links = [it.link(), it.link(), it.link({ proxyId: 'g2' })];
      links[0]?.ask(head('a'));
      await jest.advanceTimersByTimeAsync(1000);
      expect(links.map((link) => link.of('health').length)).toEqual([1, 1, 1]);
      expect(links.map((link) => link.of('metrics').length)).toEqual([1, 0, 1]);
      expect(links[0]?.of('health')[0]).toMatchObject({ state: 'healthy', load: { requestsProcessed: 1 } });
      expect(links[0]?.of('metrics')[0]?.gauges).toContainEqual({ name: 'rules', value: 7, labels: {} });
      it.agent.setHealth({ state: 'degraded', message: 'slow disk', timeoutMultiplier: 2 });
      expect(links[2]?.of('health')[1]).toMatchObject({
        state: 'degraded',
        message: 'slow disk',
        timeoutMultiplier: 2,
      });
    } finally {
      jest.useRealTimers();
    }
  });

  it('reports are left out while a gateway does not read; answers are not, up to a bound', async () => {
    await using it = await FakeGateways.with({ onRequest: () => undefined });
    const link = it.link();
    link.room = false;
    link.ask(head('a'));
    it.agent.log('info', 'left out');
    expect(link.of('log')).toEqual([]);
    for (let count = 0; count < 10_000; count += 1) link.ask(head(`b${count}`));
    expect(link.closedWith?.message).toBe('it asks and reads no answers');
    expect(it.log.at(-1)).toBe('info gateway "g1 1" is lost: it asks and reads no answers');
  });
});

describe('flow', () => {
  it('gateways are paused while the program wants it, those that come later too', async () => {
    await using it = await FakeGateways.with({ onRequest: () => undefined });
    const first = it.link();
    it.agent.pause();
    it.agent.pause();
    const second = it.link();
    it.agent.resume();
    for (const link of [first, second])
      expect(link.of('flow').map(({ action }) => action)).toEqual(['pause', 'resume']);
  });
});

describe('configuration', () => {
  it('nothing is judged until the first one is taken; the same one of other connections is given once', async () => {
    const given: unknown[] = [];
    let taken: () => void = () => undefined;
    await using it = await FakeGateways.with({
      onRequest: () => undefined,
      onConfigure: (config, about) => {
        given.push([config, about]);
        return new Promise<void>((resolve) => (taken = resolve));
      },
    });
    const links = [it.link({ configJson: '{"a":1}' }), it.link({ configJson: '{"a":1}' })];
    expect(links[0]?.ask(head('x'))).toEqual([]);
    await turn();
    taken();
    await turn();
    expect(links[0]?.answers('x')).toHaveLength(1);
    expect(given).toEqual([[{ a: 1 }, { version: undefined, isInitial: true }]]);
  });

  it.each([
    ['is no JSON', '{', 'the configuration is no JSON'],
    ['is refused', '{"no":1}', 'there is no rule "no"'],
  ])('one that %s: the gateway is told', async (_, json, why) => {
    await using it = await FakeGateways.with({
      onRequest: () => undefined,
      onConfigure: () => Promise.reject(new Error('there is no rule "no"')),
    });
    const link = it.link();
    link.receiver.message(pushed(json, { correlationId: 'push-1', version: '7' }));
    await turn();
    expect(link.answers('push-1')[0]?.decision).toMatchObject({ kind: 'block', status: 500, body: why });
    expect(link.of('configUpdate')).toEqual([]);
    // As proxies do that expect no answer.
    link.receiver.message(pushed(json, { version: '7' }));
    await turn();
    expect(link.of('configUpdate')[0]).toMatchObject({ requestId: 'refused-7', change: { kind: 'error', error: why } });
    expect(link.ask(head('x'))).toHaveLength(1);
  });

  it('what the agent asks of the configuration is asked of each gateway once, and answered', async () => {
    await using it = await FakeGateways.with({ onRequest: () => undefined });
    const links = [it.link(), it.link(), it.link({ proxyId: 'g2' })];
    const replies = it.agent.updateList('blocked', ['192.0.2.1']);
    const [asked] = links[0]?.of('configUpdate') ?? [];
    expect(asked?.change).toEqual({ kind: 'list', listId: 'blocked', add: ['192.0.2.1'], remove: [] });
    expect(links[1]?.of('configUpdate')).toEqual([]);
    const requestId = asked?.requestId ?? '';
    links[0]?.receiver.message({ kind: 'configUpdateReply', requestId, accepted: true, timestampMs: 0 });
    links[2]?.receiver.message({ kind: 'configUpdateReply', requestId, accepted: false, error: 'no', timestampMs: 0 });
    expect((await replies).map(({ accepted, error }) => [accepted, error])).toEqual([
      [true, undefined],
      [false, 'no'],
    ]);
  });

  it('what gateways have not answered when the agent ends is not waited for', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const it = await FakeGateways.with({ onRequest: () => undefined });
    it.link();
    const replies = it.agent.requestReload();
    await it[Symbol.asyncDispose]();
    expect(await replies).toEqual([]);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
  });
});

it('a ping is answered at once', async () => {
  await using it = await FakeGateways.with({ onRequest: () => undefined });
  const link = it.link();
  link.receiver.message({ kind: 'ping', sequence: 4, timestampMs: 9 });
  expect(link.of('pong')).toEqual([expect.objectContaining({ sequence: 4, pingTimestampMs: 9 })]);
});

it('a closing agent says so and waits for what is under way', async () => {
  await using it = await FakeGateways.with({ onRequest: () => undefined, onResponse: () => undefined });
  const link = it.link();
  link.ask(head('a'));
  let closed = false;
  const closing = it.agent.close().then(() => (closed = true));
  await turn();
  expect(link.of('health')[0]?.state).toBe('draining');
  expect(closed).toBe(false);
  // One that comes now is not taken in.
  it.link();
  expect(it.agent.connections).toBe(1);
  link.ask({ kind: 'requestComplete', correlationId: 'a', status: 200, durationMs: 1, bytesReceived: 0, bytesSent: 0 });
  await closing;
});

describe('options that are wrong are refused with what to do', () => {
  const onRequest = (): undefined => undefined;
  it.each<[object, string]>([
    [{ onRequest, listen: '127.0.0.1:0' }, 'name is missing'],
    [{ name: 'x', onRequest }, 'listen or connect is missing'],
    [{ name: 'x', listen: '127.0.0.1:0' }, 'there is no handler'],
    [{ name: 'x', listen: '127.0.0.1:0', onRequests: onRequest }, 'there is no option "onRequests"'],
    [{ name: 'x', listen: '127.0.0.1:0', onRequest: true }, 'onRequest must be a function'],
    [{ name: 'x', listen: '', onRequest }, 'listen: "" is no address; such as unix:/run/x.sock or 127.0.0.1:50051'],
    [{ name: 'x', listen: 'tcp://a:1', onRequest }, 'must begin with grpc://, grpcs:// or nothing'],
    [{ name: 'x', connect: 'tcp://a:70000', onRequest }, 'has a port that is not from 1 to 65535'],
    [{ name: 'x', listen: `unix:/${'a'.repeat(200)}`, onRequest }, 'is too long for a socket'],
    [{ name: 'x', listen: '127.0.0.1:0', token: 't', onRequest }, 'token goes with connect'],
    [
      { name: 'x', listen: '127.0.0.1:0', onRequest, concurrency: 0 },
      'concurrency must be a whole number from 1 to 10000',
    ],
    [{ name: 'x', listen: '127.0.0.1:0', onRequest, onError: 'maybe' }, 'onError must be "block" or "allow"'],
    [{ name: 'x', listen: 'grpcs://127.0.0.1:0', onRequest }, 'needs tls.cert and tls.key'],
    [{ name: 'a\nb', listen: '127.0.0.1:0', onRequest }, 'name must be 1 to 128 printable ASCII characters'],
  ])('%j', async (options, message) => {
    await expect(startPolicyAgent(options as PolicyAgentOptions)).rejects.toThrow(message);
  });
});
