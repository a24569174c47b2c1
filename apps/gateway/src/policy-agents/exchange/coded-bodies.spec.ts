import { setImmediate as turn } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { AskedEvent } from '@berth/policy-agents';
import { eventually } from '@berth/testing';
import { block, FakeJudge, inspectionLab } from '../../../testing/inspection-lab.js';
import { decoded } from './decoded.js';

const EVIL = Buffer.from('{"prompt":"evil"}');
const OK = { status: 200, reason: 'OK' };
const blocks = (event: AskedEvent) =>
  event.kind === 'guardrail' && event.content.includes('evil') ? block(422) : undefined;

const CODINGS: [string, Buffer][] = [
  ['gzip', gzipSync(EVIL)],
  ['X-GZIP', gzipSync(EVIL)],
  ['br', brotliCompressSync(EVIL)],
  ['zstd', zstdCompressSync(EVIL)],
  ['deflate', deflateSync(EVIL)],
  ['deflate', deflateRawSync(EVIL)],
  ['identity, gzip, br', brotliCompressSync(gzipSync(EVIL))],
  ['gzip', Buffer.concat([gzipSync(EVIL.subarray(0, 9)), gzipSync(EVIL.subarray(9))])],
];

function lab(failsOpen = false, maxHeldBytes = 100_000) {
  const judge = new FakeJudge(['guardrail'], blocks);
  judge.failsOpen = failsOpen;
  return { ...inspectionLab([judge], { guardrails: true, maxHeldBytes }), judge };
}

async function asked(it: ReturnType<typeof lab>, coding: string, body: Buffer): Promise<void> {
  it.begin({ method: 'POST', body: true, headers: ['Content-Type', 'application/json', 'Content-Encoding', coding] });
  await turn();
  it.client.exchange.sendData(body);
  it.client.exchange.sendEnd();
}

async function ended(it: ReturnType<typeof lab>): Promise<string> {
  const end = /^head|^failed/;
  return (await eventually(() => it.client.calls.find((call) => end.test(call)))).split(' ', 2).join(' ');
}

describe('compressed bodies with texts for language models', () => {
  it.each(CODINGS)('are looked at, and go on as they came: %s', async (coding, body) => {
    const it = lab();
    await asked(it, coding, body);
    expect(await ended(it)).toBe('head 422');
    const good = lab();
    good.judge.replies = () => undefined;
    await asked(good, coding, body);
    const { pool } = good;
    await eventually(() => pool.requests.length === 1 && pool.last.calls.includes('end'));
    expect(good.judge.seen).toEqual(['prompt evil']);
    expect(good.held.bytes).toBe(0);
  });

  it.each([
    ['of a coding that is not known', 'snappy', Buffer.from('\x01\x02'), 'BERTH_UNSUPPORTED_MEDIA_TYPE'],
    ['of many codings', 'gzip, gzip, gzip', gzipSync(EVIL), 'BERTH_UNSUPPORTED_MEDIA_TYPE'],
    ['that are cut off', 'gzip', gzipSync(EVIL).subarray(0, -9), 'BERTH_UNSUPPORTED_MEDIA_TYPE'],
    [
      'of several frames',
      'zstd',
      Buffer.concat([zstdCompressSync(''), zstdCompressSync(EVIL)]),
      'BERTH_UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'with a pause',
      'gzip',
      Buffer.concat([gzipSync(''), Buffer.alloc(4), gzipSync(EVIL)]),
      'BERTH_UNSUPPORTED_MEDIA_TYPE',
    ],
    ['that become too large', 'gzip', gzipSync(Buffer.alloc(200_000)), 'BERTH_BODY_TOO_LARGE'],
    [
      'that are too deep',
      'gzip',
      gzipSync(`{"messages":[{"role":"user","content":${'[{"content":'.repeat(5000)}1${'}]'.repeat(5000)}}]}`),
      'BERTH_UNSUPPORTED_MEDIA_TYPE',
    ],
  ])('%s go by the rule of the agent', async (_, coding, body, code) => {
    const closed = lab();
    await asked(closed, coding, body);
    expect(await ended(closed)).toBe(`failed ${code}`);
    expect([closed.pool.requests, closed.judge.told[0], closed.held.bytes]).toEqual([[], 'unseen guardrail', 0]);
    const open = lab(true);
    await asked(open, coding, body);
    await eventually(() => open.pool.requests.length === 1 && open.pool.last.calls.includes('end'));
    expect([open.judge.told, open.judge.asked]).toEqual([['unseen guardrail'], []]);
  });

  it('are looked at decoded where their bytes begin like JSON, too', async () => {
    const text = Array.from({ length: 13_000 }, (_, i) => (i * 7919) % 13_001).join(' ');
    const body = brotliCompressSync(JSON.stringify({ prompt: `evil ${text}` }));
    expect(String(body.subarray(0, 1))).toBe('[');
    const it = lab(false, 200_000);
    await asked(it, 'br', body);
    expect(await ended(it)).toBe('head 422');
  });

  it('that begin like JSON, and are neither that nor can be decoded, go by the rule of the agent', async () => {
    const it = lab();
    await asked(it, 'snappy', Buffer.from('[\xf0evil'));
    expect(await ended(it)).toBe('failed BERTH_UNSUPPORTED_MEDIA_TYPE');
  });

  it('count with what is held while they are judged', async () => {
    const body = gzipSync(JSON.stringify({ prompt: 'x'.repeat(50_000) }));
    const it = lab();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    it.judge.replies = () => promise;
    await asked(it, 'gzip', body);
    await eventually(() => it.judge.asked.length === 1);
    expect(it.held.bytes).toBe(50_000);
    resolve(undefined);
    await eventually(() => it.held.bytes === 0);
    it.held.most = 40_000;
    it.judge.asked.length = 0;
    await asked(it, 'gzip', body);
    await eventually(() => it.client.calls.includes('failed BERTH_POLICY_UNAVAILABLE'));
    expect([it.judge.asked, it.held.bytes]).toEqual([[], 0]);
  });

  it('are looked at in answers, streamed ones too', async () => {
    const stream = gzipSync('data: {"choices":[{"delta":{"content":"evil"}}]}\n\n');
    for (const [type, body] of [
      ['application/json', gzipSync('{"choices":[{"text":"evil"}]}')],
      ['text/event-stream', stream],
    ] as const) {
      const it = lab();
      it.begin();
      await turn();
      it.pool.last.sink.head({ ...OK, headers: ['Content-Type', type, 'Content-Encoding', 'gzip'] });
      it.pool.last.sink.data(body);
      it.pool.last.sink.end(undefined);
      expect(await ended(it)).toBe('head 422');
    }
    const it = lab();
    it.begin();
    await turn();
    it.pool.last.sink.head({ ...OK, headers: ['Content-Type', 'application/json', 'Content-Encoding', 'x'] });
    it.pool.last.sink.data(Buffer.from('?'));
    it.pool.last.sink.end(undefined);
    expect(await ended(it)).toBe('failed BERTH_POLICY_UNAVAILABLE');
  });

  it('are empty where nothing came', async () => {
    expect(await decoded(Buffer.alloc(0), ['gzip'], 10)).toHaveLength(0);
  });
});
