import { setImmediate as turn } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import { BerthError } from '@berth/errors';
import { ExchangeKind, ResetCode } from '@berth/exchange';
import type { AskedEvent, FrameDecision } from '@berth/policy-agents';
import { eventually } from '@berth/testing';
import { FakeClient } from '../../../../../../libs/exchange/testing/fake-dispatch.js';
import { block, FakeJudge, gate, inspectionLab, type Said } from '../../../../testing/inspection-lab.js';
import { Deflater } from './compression.js';
import { closeFrame, type Frame, frameOf, FrameReader, Opcode } from './frames.js';
import { MessageReader } from './messages.js';
import { type Agreed, agreedIn } from './offers.js';

const UPGRADE = ['Connection', 'Upgrade', 'Upgrade', 'websocket'];
const WITH_DEFLATE = [...UPGRADE, 'Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits, x-other'];

/** What one end of a WebSocket got, in short. */
class End {
  readonly got: string[] = [];
  readonly frames: Frame[] = [];
  private readonly reader: FrameReader;
  private readonly messages: MessageReader;
  private work: Promise<void> = Promise.resolve();

  constructor(masked: boolean, extension: string) {
    const agreed = agreedIn(extension === '' ? [] : ['Sec-WebSocket-Extensions', extension]);
    this.reader = new FrameReader(masked, 10_000_000);
    this.messages = new MessageReader(masked ? agreed?.client : agreed?.server, 10_000_000);
  }

  take(bytes: Buffer): void {
    this.reader.feed(bytes);
    for (let frame = this.reader.next(); frame !== undefined; frame = this.reader.next()) this.add(frame);
  }

  private add(frame: Frame): void {
    this.frames.push(frame);
    this.work = this.work.then(async () => {
      const message = await this.messages.add(frame);
      if (message === undefined) return;
      const { payload, type } = message;
      const text = type === 'close' ? `${payload.readUInt16BE()} ${String(payload.subarray(2))}` : String(payload);
      this.got.push(`${type} ${text}`);
    });
  }
}

function frameReplies(decide: (text: string, event: AskedEvent) => FrameDecision | undefined) {
  return (event: AskedEvent): Said =>
    event.kind === 'webSocketFrame' ? { frame: decide(String(event.payload), event) } : undefined;
}

async function open(judge: FakeJudge, over: { extension?: string; maxHeldBytes?: number; early?: Buffer } = {}) {
  const { extension = '', maxHeldBytes = 1000, early } = over;
  const lab = inspectionLab([judge], { maxHeldBytes });
  const client = new (class extends FakeClient {
    readonly end_ = new End(false, extension);
    ended = false;
    override data(bytes: Buffer): void {
      this.end_.take(bytes);
      this.exchange.consumed(bytes.length);
    }
    override end(): void {
      this.ended = true;
    }
  })();
  lab.begin({ kind: ExchangeKind.upgrade, body: true, headers: WITH_DEFLATE }, client);
  await turn();
  const exchange = lab.pool.last;
  const service = new End(true, extension);
  exchange.sendData = (bytes) => {
    service.take(bytes);
    return true;
  };
  const headers = [...UPGRADE, ...(extension === '' ? [] : ['Sec-WebSocket-Extensions', extension])];
  exchange.sink.head({ status: 101, reason: '', headers });
  if (early !== undefined) exchange.sink.data(early);
  await turn();
  const fromClient = (bytes: Buffer): boolean => client.exchange.sendData(bytes);
  const fromService = (bytes: Buffer): void => exchange.sink.data(bytes);
  return { ...lab, client, exchange, service, fromClient, fromService };
}

const directionOf = (event: AskedEvent): number => Number(event.kind === 'webSocketFrame' && event.clientToServer);

const text = (payload: string, masked: boolean): Buffer => frameOf(Opcode.text, Buffer.from(payload), masked);

describe('WebSockets under the eyes of policy agents', () => {
  it('are pipes that nobody reads where no agent looks at frames', async () => {
    const judge = new FakeJudge(['requestHeaders']);
    const { begin, client, pool } = inspectionLab([judge]);
    begin({ kind: ExchangeKind.upgrade, body: true, headers: WITH_DEFLATE });
    await turn();
    expect(pool.requests[0]?.openHead.headers).toEqual(WITH_DEFLATE);
    pool.last.sink.head({ status: 101, reason: '', headers: UPGRADE });
    pool.last.sink.data(Buffer.from('no frame'));
    client.exchange.sendData(Buffer.from('none either'));
    expect([client.calls[2], pool.last.calls[1]]).toEqual(['data no frame', 'data none either']);
  });

  it('are read where the client asks for other protocols as well, and the service takes this one', async () => {
    const headers = ['Connection', 'Upgrade', 'Upgrade', 'x-other, WebSocket'];
    for (const taken of ['websocket', 'x-other']) {
      const judge = new FakeJudge(['webSocketFrame']);
      const { begin, client, pool } = inspectionLab([judge]);
      begin({ kind: ExchangeKind.upgrade, body: true, headers });
      await turn();
      pool.last.sink.head({ status: 101, reason: '', headers: ['Connection', 'Upgrade', 'Upgrade', taken] });
      await turn();
      client.exchange.sendData(text('hello', true));
      await turn();
      expect([taken, judge.seen]).toEqual([taken, taken === 'websocket' ? ['webSocketFrame'] : []]);
      expect(pool.last.calls.length).toBeGreaterThan(0);
    }
  });

  it('show messages and control frames of both directions, and pass what is allowed', async () => {
    const judge = new FakeJudge(['webSocketFrame']);
    const { client, exchange, fromClient, fromService, pool, service } = await open(judge, {
      early: text('early', false),
    });
    expect(pool.requests[0]?.openHead.headers).toEqual([
      ...UPGRADE,
      'Sec-WebSocket-Extensions',
      'permessage-deflate; client_max_window_bits',
    ]);
    const whole = text('hello', true);
    fromClient(whole.subarray(0, 3));
    fromClient(whole.subarray(3));
    fromService(frameOf(Opcode.ping, Buffer.from('p'), false));
    fromClient(closeFrame(1000, 'bye', true));
    await eventually(() => service.got.length === 2 && client.end_.got.length === 2);
    expect([service.got, client.end_.got]).toEqual([
      ['text hello', 'close 1000 bye'],
      ['text early', 'ping p'],
    ]);
    const byDirection = judge.asked.toSorted((a, b) => directionOf(a) - directionOf(b));
    expect(byDirection).toMatchObject([
      { clientToServer: false, frameType: 'text', frameIndex: 0 },
      { clientToServer: false, frameType: 'ping', frameIndex: 1 },
      { clientToServer: true, frameType: 'text', frameIndex: 0, clientIp: '192.0.2.1' },
      { clientToServer: true, frameType: 'close', frameIndex: 1 },
    ]);
    client.exchange.sendEnd();
    exchange.sink.end(undefined);
    await eventually(() => client.ended);
    expect(exchange.calls.at(-1)).toBe('end');
    client.exchange.discard();
    expect(judge.told).toEqual(['end 101']);
  });

  it('drop what an agent wants dropped, and nobody misses it, compressed with a history or without', async () => {
    const drop = frameReplies((payload) => (payload.includes('secret') ? { kind: 'drop' } : undefined));
    for (const extension of ['permessage-deflate', 'permessage-deflate; client_no_context_takeover']) {
      const { fromClient, service } = await open(new FakeJudge(['webSocketFrame'], drop), { extension });
      const agreed = agreedIn(['Sec-WebSocket-Extensions', extension]);
      const deflater = new Deflater((agreed as Agreed).client);
      for (const payload of [
        'the first words',
        'the secret words',
        'the secret words, after them other words',
        'the end words',
      ]) {
        const bytes = await deflater.deflate(Buffer.from(payload));
        fromClient(frameOf(Opcode.text, bytes, true, true));
      }
      await eventually(() => service.got.length === 2);
      expect(service.got).toEqual(['text the first words', 'text the end words']);
      expect(service.frames.map(({ compressed }) => compressed)).toEqual([true, true]);
    }
  });

  it.each<[string, (event: AskedEvent) => Said | Promise<Said>, string]>([
    ['a close', frameReplies(() => ({ kind: 'close', code: 4000, reason: 'because' })), 'close 4000 because'],
    ['a block', () => block(), 'close 1008 refused by a policy'],
    [
      'an agent that is away',
      () => Promise.reject(new BerthError('BERTH_POLICY_UNAVAILABLE', 'away')),
      'close 1013 a policy agent is not available',
    ],
    [
      'a decision of no use',
      frameReplies(() => ({ kind: 'close', code: 1006, reason: '' })),
      'close 1013 a policy agent is not available',
    ],
  ])('are closed both ways by %s', async (_what, replies, close) => {
    const judge = new FakeJudge(['webSocketFrame'], replies);
    const { client, exchange, fromClient, service } = await open(judge);
    fromClient(text('x', true));
    await eventually(() => service.got.length === 1 && client.end_.got.length === 1);
    expect([service.got, client.end_.got, client.ended, exchange.calls.at(-1)]).toEqual([
      [close],
      [close],
      true,
      'end',
    ]);
    expect(client.calls.filter((call) => call === 'writable')).toHaveLength(1);
    expect(fromClient(text('more', true))).toBe(true);
    await turn();
    expect(service.frames).toHaveLength(1);
  });

  it.each<[string, Buffer, string]>([
    ['an open frame of a client', text('x', false), '1002'],
    ['a message larger than may be held', frameOf(Opcode.binary, Buffer.alloc(2000), true), '1009'],
    [
      'a message that becomes larger than may be held',
      frameOf(
        Opcode.text,
        deflateRawSync(Buffer.alloc(1_000_000), { finishFlush: constants.Z_SYNC_FLUSH }),
        true,
        true,
      ),
      '1009',
    ],
  ])('are closed both ways for %s', async (_what, bytes, code) => {
    const { client, fromClient, held, service } = await open(new FakeJudge(['webSocketFrame']), {
      extension: 'permessage-deflate',
      maxHeldBytes: 1500,
    });
    fromClient(bytes);
    await eventually(() => service.got.length === 1 && client.end_.got.length === 1);
    expect([service.got[0]?.slice(0, 10), client.end_.got[0]?.slice(0, 10), held.bytes]).toEqual([
      `close ${code}`,
      `close ${code}`,
      0,
    ]);
  });

  it('pass a close whatever the agent says, and nothing behind it', async () => {
    const judge = new FakeJudge(
      ['webSocketFrame'],
      frameReplies(() => ({ kind: 'drop' })),
    );
    const { fromClient, service } = await open(judge);
    fromClient(Buffer.concat([text('x', true), closeFrame(1000, '', true), text('y', true)]));
    await eventually(() => service.got.length === 1);
    await turn();
    expect([service.got, judge.asked.length]).toEqual([['close 1000 '], 2]);
  });

  it('hold parts of messages as a part of what may be held altogether', async () => {
    const { client, fromClient, held } = await open(new FakeJudge(['webSocketFrame']));
    const whole = text('x'.repeat(100), true);
    fromClient(whole.subarray(0, 50));
    await turn();
    expect(held.bytes).toBe(50);
    fromClient(whole.subarray(50));
    await eventually(() => held.bytes === 0);
    held.most = 10;
    fromClient(whole.subarray(0, 50));
    await eventually(() => client.end_.got.length === 1);
    expect([client.end_.got, held.bytes]).toEqual([['close 1013 too much is held for policy agents now'], 0]);
  });

  it('that a client has left are not begun', async () => {
    const { wait, open: letGo } = gate();
    const judge = new FakeJudge(['responseHeaders', 'webSocketFrame'], () => wait.then(() => undefined));
    const { begin, client, pool } = inspectionLab([judge]);
    begin({ kind: ExchangeKind.upgrade, body: true, headers: UPGRADE });
    await turn();
    pool.last.sink.head({ status: 101, reason: '', headers: UPGRADE });
    client.exchange.discard();
    client.exchange.reset(ResetCode.cancelled);
    letGo();
    await turn();
    expect([client.calls, judge.told]).toEqual([['opened'], ['cancel clientDisconnect']]);
  });

  it('refuse a service that speaks an extension which was not offered', async () => {
    const judge = new FakeJudge(['webSocketFrame']);
    const { begin, client, pool } = inspectionLab([judge]);
    begin({ kind: ExchangeKind.upgrade, body: true, headers: UPGRADE });
    await turn();
    pool.last.sink.head({ status: 101, reason: '', headers: [...UPGRADE, 'Sec-WebSocket-Extensions', 'x-other'] });
    await turn();
    expect([client.calls.at(-1), pool.last.calls]).toEqual([
      'failed BERTH_BAD_AGENT_RESPONSE',
      [`reset ${ResetCode.cancelled}`],
    ]);
  });

  it('wait for an agent within credit, and send on what is left when the client has ended its half', async () => {
    const { wait, open: letGo } = gate();
    const judge = new FakeJudge(['webSocketFrame'], () => wait.then(() => undefined));
    const { client, exchange, fromClient, service } = await open(judge);
    expect(fromClient(text('one', true))).toBe(false);
    client.exchange.sendEnd();
    exchange.sink.end(undefined);
    await turn();
    client.exchange.discard();
    letGo();
    await eventually(() => exchange.calls.includes('end'));
    expect([service.got, judge.told]).toEqual([['text one'], ['end 101']]);
  });
});
