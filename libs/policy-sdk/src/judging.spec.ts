import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { chunk, complete, FakeGateways, head } from '../testing/fake-gateway.js';
import { allow, type Answer, block, closeSocket, drop, needMore, type PolicyExchange, replace } from './index.js';

/** A handler's work that the test ends. */
function work(): { promise: Promise<Answer | undefined>; end: (answer?: Answer) => void } {
  let end!: (answer?: Answer) => void;
  const promise = new Promise<Answer | undefined>((resolve) => (end = resolve));
  return { promise, end };
}

describe('a handler', () => {
  it('answers for the exchange that it was asked about', async () => {
    await using it = await FakeGateways.with({
      onRequest: ({ path }) => (path.startsWith('/admin') ? block(403, 'no') : undefined),
    });
    const link = it.link();
    expect(link.ask(head('a', '/admin/x'))[0]?.decision).toEqual({
      kind: 'block',
      status: 403,
      body: 'no',
      headers: [],
    });
    expect(link.ask(head('b', '/'))[0]?.decision).toEqual({ kind: 'allow' });
  });

  it('changes headers and chunks, and says it in the place where the gateway looks', async () => {
    await using it = await FakeGateways.with({
      onRequest: () => needMore({ setRequestHeaders: { 'x-a': ['1', '2'] }, removeRequestHeaders: ['x-b'] }),
      onRequestBody: ({ text }) => replace(text.toUpperCase()),
      onResponseBody: () => drop(),
    });
    const link = it.link();
    const [first] = link.ask(head('a'));
    expect(first?.needsMore).toBe(true);
    expect(first?.requestHeaders).toEqual([
      { op: 'remove', name: 'x-b' },
      { op: 'set', name: 'x-a', value: '1' },
      { op: 'add', name: 'x-a', value: '2' },
    ]);
    expect(link.ask(chunk('requestBody', 'a', 'cat', 3))[1]?.requestBody).toEqual({
      chunkIndex: 3,
      data: Buffer.from('CAT'),
    });
    expect(link.ask(chunk('responseBody', 'a', 'x', 1))[2]?.responseBody).toEqual({
      chunkIndex: 1,
      data: Buffer.alloc(0),
    });
  });

  it('finds its state again until the exchange is over', async () => {
    const seen: unknown[] = [];
    await using it = await FakeGateways.with<{ chunks: number }>({
      state: () => ({ chunks: 0 }),
      onRequest: (_request, { state }) => void (state.chunks = 10),
      onRequestBody: (_chunk, { state, request }) => void seen.push([(state.chunks += 1), request?.uri]),
    });
    const link = it.link();
    link.ask(head('a', '/x'));
    link.ask(chunk('requestBody', 'a', '1', 0, false));
    link.ask(chunk('requestBody', 'a', '2', 1));
    link.ask(complete('a'));
    link.ask(chunk('requestBody', 'a', '3', 2));
    expect(seen).toEqual([
      [11, '/x'],
      [12, '/x'],
      [1, undefined],
    ]);
  });

  it('does not find the state of another request that had the same id', async () => {
    const seen: unknown[] = [];
    await using it = await FakeGateways.with<{ user: string }>({
      state: () => ({ user: '' }),
      onRequest({ path }, { state }) {
        seen.push(state.user);
        state.user = path;
      },
      onResponse: () => undefined,
      onCancel: (reason) => void seen.push(reason),
    });
    const link = it.link();
    link.ask(head('a', '/ada'));
    link.ask(head('a', '/bob'));
    expect(seen).toEqual(['', 'manual', '']);
  });

  it('is asked about one exchange in order, one at a time', async () => {
    const first = work();
    const order: string[] = [];
    await using it = await FakeGateways.with({
      onRequest: () => first.promise,
      onRequestBody: ({ text }) => void order.push(text),
    });
    const link = it.link();
    link.ask(head('a'));
    link.ask(chunk('requestBody', 'a', '1', 0, false));
    expect(link.ask(chunk('requestBody', 'a', '2', 1))).toEqual([]);
    expect(link.ask(head('b'))).toEqual([]);
    first.end(block(400));
    await turn();
    expect(link.answers('a').map(({ decision }) => decision.kind)).toEqual(['block', 'allow', 'allow']);
    expect(order).toEqual(['1', '2']);
  });
});

describe('a handler that fails', () => {
  const wrong = (): never => {
    throw new Error('a defect');
  };
  it.each([
    ['throws', wrong],
    ['rejects', () => Promise.reject(new Error('a defect'))],
    ['returns what is no answer', () => 'a defect' as never],
    ['drops what is no chunk', () => drop()],
    ['replaces what is no chunk', () => replace('x')],
    ['closes what is no WebSocket', () => closeSocket()],
    ['builds an answer that cannot be sent', () => block(99)],
    ['sets a header with a line break', () => allow({ setRequestHeaders: { 'x-a': 'b\r\nx-c: d' } })],
  ])('that %s: the exchange is blocked, and the log says it once', async (_, onRequest) => {
    await using it = await FakeGateways.with({ onRequest });
    const link = it.link();
    link.ask(head('a'));
    link.ask(head('b'));
    await turn();
    expect(link.answers('a')[0]?.decision).toMatchObject({ kind: 'block', status: 503 });
    expect(link.answers('b')[0]?.decision).toMatchObject({ kind: 'block', status: 503 });
    expect(it.log.filter((line) => line.startsWith('error the handler of requestHeaders failed'))).toHaveLength(1);
  });

  it('says that it failed where its answer is larger than a message may be', async () => {
    await using it = await FakeGateways.with({ onRequest: () => block(403, 'x'.repeat(100)) });
    const link = it.link();
    link.mostChars = 99;
    expect(link.ask(head('a')).map(({ decision }) => decision)).toEqual([
      expect.objectContaining({ kind: 'block', status: 503 }),
    ]);
    expect(it.log.at(-1)).toContain('its answer is larger than 99 characters');
  });

  it('lets it pass where onError says so', async () => {
    await using it = await FakeGateways.with({ onRequest: wrong, onError: 'allow' });
    expect(it.link().ask(head('a'))[0]?.decision).toEqual({ kind: 'allow' });
  });

  it('takes too long: it is answered for, once', async () => {
    jest.useFakeTimers();
    try {
      const late = work();
      await using it = await FakeGateways.with({ onRequest: () => late.promise, handlerTimeoutMs: 100 });
      const link = it.link();
      link.ask(head('a'));
      await jest.advanceTimersByTimeAsync(99);
      expect(link.answers('a')).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      late.end(allow());
      await jest.advanceTimersByTimeAsync(1);
      expect(link.answers('a').map(({ decision }) => decision.kind)).toEqual(['block']);
      expect(it.agent.load).toMatchObject({ requestsTimedOut: 1, inFlight: 0 });
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('room', () => {
  it('handlers beyond it wait and gateways are asked to pause; beyond what may wait they are refused', async () => {
    const works = new Map<string, ReturnType<typeof work>>();
    await using it = await FakeGateways.with({
      concurrency: 2,
      maxWaiting: 1,
      onRequest: ({ requestId }) => {
        const one = work();
        works.set(requestId, one);
        return one.promise;
      },
    });
    const link = it.link();
    for (const id of ['a', 'b', 'c', 'd']) link.ask(head(id));
    expect([...works.keys()]).toEqual(['request-a', 'request-b']);
    expect(link.answers('d')[0]?.decision).toMatchObject({ kind: 'block', status: 503 });
    expect(link.of('flow').map(({ action }) => action)).toEqual(['pause']);
    works.get('request-a')?.end();
    await turn();
    expect([...works.keys()]).toEqual(['request-a', 'request-b', 'request-c']);
    expect(link.of('flow').map(({ action }) => action)).toEqual(['pause', 'resume']);
    works.get('request-b')?.end();
    works.get('request-c')?.end();
    await turn();
    expect(it.agent.load).toMatchObject({ inFlight: 0, queueDepth: 0, requestsProcessed: 3, requestsRejected: 1 });
    // Nothing is under way, so it does not wait.
    await it.agent.close();
  });

  it('no more exchanges are remembered than allowed, and those that are go on', async () => {
    await using it = await FakeGateways.with({
      maxExchanges: 1,
      onRequest: () => undefined,
      onResponse: () => undefined,
    });
    const link = it.link();
    link.ask(head('a'));
    expect(link.ask(head('b'))[0]?.decision).toMatchObject({ kind: 'block', status: 503 });
    expect(link.ask(complete('b'))[1]?.decision).toEqual({ kind: 'allow' });
    link.ask(complete('a'));
    expect(link.ask(head('c'))[0]?.decision).toEqual({ kind: 'allow' });
    link.ask(complete('c'));
  });

  it('an exchange that nobody speaks of any more is forgotten', async () => {
    jest.useFakeTimers();
    try {
      const reasons: string[] = [];
      await using it = await FakeGateways.with({
        exchangeIdleMs: 1000,
        maxExchanges: 1,
        onResponse: () => undefined,
        onCancel: (reason) => void reasons.push(reason),
      });
      const link = it.link();
      link.ask(head('a'));
      await jest.advanceTimersByTimeAsync(2001);
      expect(reasons).toEqual(['timeout']);
      expect(link.ask(head('b'))[0]?.decision).toEqual({ kind: 'allow' });
      link.close();
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('an exchange that is cut off', () => {
  async function cutOff(how: (link: ReturnType<FakeGateways['link']>) => void) {
    const late = work();
    const reasons: string[] = [];
    let exchange: PolicyExchange<unknown> | undefined;
    await using it = await FakeGateways.with({
      onRequest: (_request, one) => {
        exchange = one;
        return late.promise;
      },
      onCancel: (reason) => void reasons.push(reason),
    });
    const link = it.link();
    link.ask(head('a'));
    const { signal } = exchange ?? {};
    expect(signal?.aborted).toBe(false);
    how(link);
    late.end(block());
    await turn();
    return { reasons, aborted: signal?.aborted, answers: link.answers('a') };
  }

  it('tells its handler and is not answered any more', async () => {
    const cancel = { kind: 'cancel', correlationId: 'a', reason: 'clientDisconnect', timestampMs: 0 } as const;
    expect(await cutOff((link) => link.receiver.message(cancel))).toEqual({
      reasons: ['clientDisconnect'],
      aborted: true,
      answers: [],
    });
  });

  it('so does a connection that is lost', async () => {
    expect(await cutOff((link) => link.close())).toEqual({ reasons: ['proxyShutdown'], aborted: true, answers: [] });
  });
});
