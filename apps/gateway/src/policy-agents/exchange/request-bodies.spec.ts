import { setImmediate as turn } from 'node:timers/promises';
import { ResetCode } from '@berth/exchange';
import { type AskedEvent, LIMIT_DEFAULTS } from '@berth/policy-agents';
import { block, FakeJudge, gate, inspectionLab, type Said } from '../../../testing/inspection-lab.js';

const OK = { status: 200, reason: 'OK', headers: ['Content-Type', 'text/plain'] };
const POST = { method: 'POST', body: true };
const bytes = (text: string): Buffer => Buffer.from(text);

describe('bodies of requests', () => {
  it('go on chunk by chunk as they are allowed, and their client waits meanwhile', async () => {
    const gates = [gate(), gate()];
    const judge = new FakeJudge(['requestBody'], (event) =>
      event.kind === 'requestBody' ? gates[event.chunkIndex]?.wait.then(() => undefined) : undefined,
    );
    const { begin, client, pool } = inspectionLab([judge]);
    begin({ ...POST, headers: ['Content-Length', '6'] });
    await turn();
    expect(client.exchange.sendData(bytes('abc'))).toBe(false);
    await turn();
    expect(judge.asked).toMatchObject([{ chunkIndex: 0, isLast: false, totalSize: 6, bytesTransferred: 3 }]);
    expect([pool.last.calls, client.calls, client.exchange.pendingBytes]).toEqual([[], ['opened'], 0]);
    gates[0]?.open();
    await turn();
    expect([pool.last.calls, client.calls]).toEqual([['data abc'], ['opened', 'writable']]);
    client.exchange.sendData(bytes('def'));
    client.exchange.sendEnd(['T', '1']);
    await turn();
    expect(judge.seen).toEqual(['requestBody 0 abc', 'requestBody 1 def last']);
    gates[1]?.open();
    await turn();
    expect(pool.last.calls).toEqual(['data abc', 'data def', 'end T,1']);
  });

  it('that end later than their last byte are ended with an empty chunk; those without a byte are not shown', async () => {
    const judge = new FakeJudge(['requestBody']);
    const { begin, client, pool } = inspectionLab([judge]);
    begin(POST);
    await turn();
    client.exchange.sendData(bytes('a'));
    await turn();
    client.exchange.sendEnd();
    await turn();
    expect(judge.seen).toEqual(['requestBody 0 a', 'requestBody 1  last']);
    expect(pool.last.calls).toEqual(['data a', 'end']);

    begin(POST);
    await turn();
    client.exchange.sendEnd();
    await turn();
    expect([judge.asked.length, pool.last.calls]).toEqual([2, ['end']]);
  });

  it.each([
    [['Content-Type', 'text/plain', 'Content-Type', 'application/json']],
    [['Content-Type', 'text/plain, application/json']],
    [['Content-Type', '"application/json"']],
    [['Content-Type', 'json']],
  ])('whose type not all services read alike are shown: %j', async (headers) => {
    const judge = new FakeJudge(['requestBody']);
    judge.bodyTypes = ['application/json', ''];
    const { begin, client } = inspectionLab([judge]);
    begin({ ...POST, headers });
    await turn();
    client.exchange.sendData(bytes('a'));
    await turn();
    expect(judge.seen).toEqual(['requestBody 0 a']);
  });

  it('are cut to what the agent likes', async () => {
    const judge = new FakeJudge(['requestBody']);
    judge.limits = { ...LIMIT_DEFAULTS, preferredChunkSize: 2000 };
    const { begin, client } = inspectionLab([judge]);
    begin(POST);
    await turn();
    client.exchange.sendData(Buffer.alloc(5000));
    await turn();
    client.exchange.sendEnd();
    await turn();
    const sizes = judge.asked.map((event) => (event.kind === 'requestBody' ? event.data.length : -1));
    expect(sizes).toEqual([2000, 2000, 1000, 0]);
  });

  it('go in chunks that the agent likes where more has come meanwhile', async () => {
    const { wait, open } = gate();
    const judge = new FakeJudge(['requestBody'], () => wait.then(() => undefined));
    judge.limits = { ...LIMIT_DEFAULTS, preferredChunkSize: 50_000 };
    const { begin, client } = inspectionLab([judge]);
    begin(POST);
    await turn();
    for (let i = 0; i < 5; i += 1) {
      client.exchange.sendData(Buffer.alloc(20_000, i));
      await turn();
    }
    open();
    client.exchange.sendEnd();
    await turn();
    const chunks = judge.asked.flatMap((event) => (event.kind === 'requestBody' ? [event.data] : []));
    expect(chunks.map(({ length }) => length)).toEqual([20_000, 50_000, 30_000]);
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat([0, 1, 2, 3, 4].map((i) => Buffer.alloc(20_000, i))));
  });

  it('of other types than the agent looks at pass untouched', async () => {
    const judge = new FakeJudge(['requestBody', 'responseBody']);
    judge.bodyTypes = ['application/json'];
    const { begin, client, pool } = inspectionLab([judge]);
    begin({ ...POST, headers: ['Content-Type', 'Text/Plain; charset=utf-8'] });
    await turn();
    expect(client.exchange.sendData(bytes('a'))).toBe(true);
    pool.last.sink.head(OK);
    await turn();
    pool.last.sink.data(bytes('b'));
    expect([judge.asked, client.calls]).toEqual([[], ['opened', 'head 200 Content-Type text/plain', 'data b']]);
  });

  it('that are blocked midway have an answer in their place, and the rest is read to nowhere', async () => {
    const judge = new FakeJudge(['requestBody'], () => block(413, 'bad'));
    const { begin, client, pool } = inspectionLab([judge]);
    begin(POST);
    await turn();
    client.exchange.sendData(bytes('a'));
    await turn();
    expect(pool.last.calls).toEqual([`reset ${ResetCode.cancelled}`]);
    expect(client.calls.map((call) => call.slice(0, 8))).toEqual(['opened', 'head 413', 'data bad', 'end', 'writable']);
    expect([client.exchange.closed, client.exchange.sendData(bytes('b'))]).toEqual([true, true]);
  });

  it('that are blocked when the answer has begun break it off', async () => {
    const { wait, open } = gate();
    const judge = new FakeJudge(['requestBody'], () => wait.then(() => block()));
    const { begin, client, pool } = inspectionLab([judge]);
    begin(POST);
    await turn();
    client.exchange.sendData(bytes('a'));
    pool.last.sink.head(OK);
    pool.last.sink.data(bytes('early'));
    open();
    await turn();
    expect(client.calls.slice(-1)).toEqual(['failed BERTH_FORBIDDEN']);
    expect(judge.told).toEqual(['cancel blockedByAgent']);
  });

  it('may still be judged when the answer has ended: what is left of them goes on', async () => {
    const { wait, open } = gate();
    const judge = new FakeJudge(['requestBody', 'requestComplete'], () => wait.then(() => undefined));
    const { begin, client, pool } = inspectionLab([judge]);
    begin(POST);
    await turn();
    client.exchange.sendData(bytes('a'));
    pool.last.sink.head(OK);
    pool.last.sink.end(undefined);
    client.exchange.discard();
    open();
    await turn();
    expect([client.calls, judge.told]).toEqual([['opened', 'head 200 Content-Type text/plain', 'end'], ['end 200']]);
  });

  it('are changed only where the port allows that their length changes', async () => {
    const redact = (event: AskedEvent): Said =>
      event.kind === 'requestBody' ? { requestBody: { chunkIndex: event.chunkIndex, data: bytes('xx') } } : undefined;
    for (const mutableBodies of [false, true]) {
      const judge = new FakeJudge(['requestBody'], redact);
      const { begin, client, pool } = inspectionLab([judge], { mutableBodies });
      begin({ ...POST, headers: ['Content-Length', '3', 'Content-MD5', 'q', 'A', '1'] });
      await turn();
      client.exchange.sendData(bytes('abc'));
      client.exchange.sendEnd();
      await turn();
      if (mutableBodies) {
        expect(pool.requests[0]?.openHead.headers).toEqual(['A', '1']);
        expect(pool.last.calls).toEqual(['data xx', 'end']);
      } else {
        expect(judge.told[0]).toBe('misjudged a change to the length of a body (inspect.mutableBodies)');
        expect(client.calls).toEqual(['opened', 'failed BERTH_POLICY_UNAVAILABLE']);
        expect(pool.last.calls).toEqual([`reset ${ResetCode.cancelled}`]);
      }
    }
  });

  it('go to the next agent as the one before has left them; dropped chunks go to nobody', async () => {
    const first = new FakeJudge(['requestBody'], (event) => {
      if (event.kind !== 'requestBody') return undefined;
      const data = event.chunkIndex === 0 ? Buffer.alloc(0) : Buffer.from(String(event.data).toUpperCase());
      return { requestBody: { chunkIndex: event.chunkIndex, data } };
    });
    const second = new FakeJudge(['requestBody']);
    const { begin, client, pool } = inspectionLab([first, second], { mutableBodies: true });
    begin(POST);
    await turn();
    for (const part of ['a', 'b']) {
      client.exchange.sendData(bytes(part));
      await turn();
    }
    client.exchange.sendEnd();
    await turn();
    expect(second.seen).toEqual(['requestBody 0 B', 'requestBody 1  last']);
    expect(pool.last.calls).toEqual(['data B', 'end']);
  });

  it('are not changed by agents that are asked side by side, nor in a chunk that was not asked about', async () => {
    const change = (chunkIndex: number) => () => ({ requestBody: { chunkIndex, data: bytes('z') } });
    for (const [chunkIndex, mode] of [
      [0, 'parallel'],
      [7, 'sequence'],
    ] as const) {
      const judge = new FakeJudge(['requestBody'], change(chunkIndex));
      judge.failsOpen = true;
      const { begin, client, pool } = inspectionLab([judge], { mode, mutableBodies: true });
      begin(POST);
      await turn();
      client.exchange.sendData(bytes('a'));
      await turn();
      expect([judge.told.length, pool.last.calls]).toEqual([1, ['data a']]);
    }
  });

  it('wait while the service takes nothing, and so does their client', async () => {
    const judge = new FakeJudge(['requestBody']);
    const { begin, client, pool } = inspectionLab([judge]);
    begin(POST);
    await turn();
    pool.last.hasRoom = false;
    client.exchange.sendData(bytes('a'));
    await turn();
    client.exchange.sendData(bytes('b'));
    await turn();
    expect([pool.last.calls, client.calls, client.exchange.pendingBytes]).toEqual([['data a'], ['opened'], 0]);
    pool.last.hasRoom = true;
    pool.last.sink.writable();
    await turn();
    expect([pool.last.calls, client.calls]).toEqual([
      ['data a', 'data b'],
      ['opened', 'writable'],
    ]);
  });
});
