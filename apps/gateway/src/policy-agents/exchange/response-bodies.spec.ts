import { setImmediate as turn } from 'node:timers/promises';
import { ResetCode } from '@berth/exchange';
import { block, FakeJudge, gate, inspectionLab, undecided } from '../../../testing/inspection-lab.js';

const OK = { status: 200, reason: 'OK', headers: ['Content-Type', 'text/plain'] };
const bytes = (text: string): Buffer => Buffer.from(text);

describe('bodies of answers', () => {
  it('go on as they are allowed, and count as taken when the client has them', async () => {
    const gates = [gate(), gate()];
    const judge = new FakeJudge(['responseBody'], (event) =>
      event.kind === 'responseBody' ? gates[event.chunkIndex]?.wait.then(() => undefined) : undefined,
    );
    const { begin, client, pool } = inspectionLab([judge]);
    client.takes = false;
    begin();
    await turn();
    pool.last.sink.head(OK);
    pool.last.sink.data(bytes('abc'));
    await turn();
    expect([client.calls, pool.last.calls]).toEqual([['opened'], []]);
    gates[0]?.open();
    await turn();
    expect(client.calls.slice(1)).toEqual(['head 200 Content-Type text/plain', 'data abc']);
    client.exchange.consumed(2);
    client.exchange.consumed(1);
    expect(pool.last.calls).toEqual(['consumed 2', 'consumed 1']);
    pool.last.sink.data(bytes('d'));
    pool.last.sink.end(['T', '1']);
    gates[1]?.open();
    await turn();
    expect(client.calls.slice(3)).toEqual(['data d', 'end']);
    expect(judge.seen).toEqual(['responseBody 0 abc', 'responseBody 1 d last']);
  });

  it('wait for a client that takes nothing, however much they become', async () => {
    const judge = new FakeJudge(['responseBody'], (event) =>
      event.kind === 'responseBody' && event.chunkIndex === 0
        ? { responseBody: { chunkIndex: 0, data: Buffer.alloc(300_000) } }
        : undefined,
    );
    const { begin, client, pool } = inspectionLab([judge], { mutableBodies: true, maxHeldBytes: 300_000 });
    client.takes = false;
    begin();
    await turn();
    pool.last.sink.head(OK);
    pool.last.sink.data(bytes('a'));
    await turn();
    pool.last.sink.data(bytes('b'));
    await turn();
    expect([client.calls.length, pool.last.calls]).toEqual([3, []]);
    client.exchange.consumed(200_000);
    await turn();
    expect([client.calls.at(-1), pool.last.calls]).toEqual(['data b', ['consumed 1']]);
  });

  it('are held for an agent that wants more, at the gateway’s cost, and can still be blocked whole', async () => {
    const judge = new FakeJudge(['responseHeaders', 'responseBody'], undecided(6, block(451)));
    const { begin, client, held, pool } = inspectionLab([judge]);
    begin();
    await turn();
    pool.last.sink.head(OK);
    pool.last.sink.data(bytes('abc'));
    await turn();
    expect([held.bytes, pool.last.calls, client.calls]).toEqual([3, ['consumed 3'], ['opened']]);
    pool.last.sink.data(bytes('def'));
    await turn();
    expect([held.bytes, client.calls[1]?.slice(0, 8)]).toEqual([0, 'head 451']);
  });

  it('that were held are not given back twice', async () => {
    const judge = new FakeJudge(['responseHeaders', 'responseBody'], undecided(6));
    const { begin, client, pool } = inspectionLab([judge]);
    begin();
    await turn();
    pool.last.sink.head(OK);
    for (const part of ['abc', 'def', 'g']) {
      pool.last.sink.data(bytes(part));
      await turn();
    }
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls.slice(1)).toEqual([
      'head 200 Content-Type text/plain',
      'data abc',
      'data def',
      'data g',
      'end',
    ]);
    const granted = pool.last.calls.map((call) => Number(call.split(' ')[1]));
    expect(granted.reduce((sum, one) => sum + one, 0)).toBe(7);
  });

  it('that are blocked when they have begun are cut off', async () => {
    const judge = new FakeJudge(['responseBody'], (event) =>
      event.kind === 'responseBody' && event.chunkIndex === 1 ? block() : undefined,
    );
    const { begin, client, pool } = inspectionLab([judge]);
    begin();
    await turn();
    pool.last.sink.head(OK);
    for (const part of ['a', 'b']) {
      pool.last.sink.data(bytes(part));
      await turn();
    }
    expect(client.calls.slice(2)).toEqual(['data a', 'failed BERTH_FORBIDDEN']);
    expect(pool.last.calls.at(-1)).toBe(`reset ${ResetCode.cancelled}`);
  });

  it('too large to be held are refused, or pass, as the agent’s rule is', async () => {
    for (const failsOpen of [false, true]) {
      const judge = new FakeJudge(['responseHeaders', 'responseBody'], undecided(Infinity));
      judge.failsOpen = failsOpen;
      const { begin, client, pool } = inspectionLab([judge], { maxHeldBytes: 4 });
      begin();
      await turn();
      pool.last.sink.head(OK);
      pool.last.sink.data(bytes('abc'));
      pool.last.sink.data(bytes('def'));
      await turn();
      expect(client.calls.at(-1)).toBe(failsOpen ? 'data abcdef' : 'failed BERTH_POLICY_UNAVAILABLE');
    }
  });

  it('that change lose what was true of other bytes, and are asked for whole and plain', async () => {
    const judge = new FakeJudge(['responseBody'], (event) => {
      if (event.kind !== 'responseBody') return undefined;
      const data = Buffer.from(String(event.data).replaceAll('secret', '***'));
      return { responseBody: { chunkIndex: event.chunkIndex, data } };
    });
    const { begin, client, pool } = inspectionLab([judge], { mutableBodies: true });
    begin({ headers: ['Accept-Encoding', 'gzip', 'Range', 'bytes=0-1', 'A', '1'] });
    await turn();
    expect(pool.requests[0]?.openHead.headers).toEqual(['A', '1']);
    pool.last.sink.head({ ...OK, headers: ['Content-Length', '9', 'ETag', '"e"', 'Digest', 'd'] });
    pool.last.sink.data(bytes('my secret'));
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls.slice(1)).toEqual(['head 200 ETag W/"e"', 'data my ***', 'end']);
    expect(pool.last.calls).toEqual(['consumed 9']);
  });

  it('whose length is not what the head said are never taken for whole', async () => {
    const judge = new FakeJudge(['responseBody']);
    const { begin, client, pool } = inspectionLab([judge], { mutableBodies: true });
    begin();
    await turn();
    pool.last.sink.head({ ...OK, headers: ['Content-Length', '9'] });
    pool.last.sink.data(bytes('short'));
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls.slice(2)).toEqual(['data short', 'failed BERTH_BAD_AGENT_RESPONSE']);

    begin();
    await turn();
    pool.last.sink.head({ ...OK, headers: ['Content-Length', '1'] });
    pool.last.sink.data(bytes('a'));
    await turn();
    pool.last.sink.data(bytes('unseen'));
    await turn();
    expect(client.calls.slice(-2)).toEqual(['data a', 'failed BERTH_BAD_AGENT_RESPONSE']);
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('that there are none of are not asked about: %s %i', async (method, status) => {
    const judge = new FakeJudge(['responseHeaders', 'responseBody']);
    const { begin, client, pool } = inspectionLab([judge], { mutableBodies: true });
    begin({ method });
    await turn();
    pool.last.sink.head({ ...OK, status, headers: ['Content-Length', '9'] });
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls).toEqual(['opened', `head ${status} Content-Length 9`, 'end']);
    expect(judge.seen).toEqual(['responseHeaders']);
  });
});
