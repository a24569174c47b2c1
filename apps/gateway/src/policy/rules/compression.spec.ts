import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { ExchangeKind, type OpenHead, ResetCode } from '@berth/exchange';
import { eventually, settled } from '@berth/testing';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { ruleLab } from '../../../testing/rule-lab.js';
import { policyOf } from '../policy-schema.js';
import { compression } from './compression.js';
import { compressors, Compressors, MAX_COMPRESSORS } from './compressors.js';

class Client extends FakeClient {
  readonly chunks: Buffer[] = [];
  headers: string[] = [];
  trailers: string[] | undefined;
  ended = false;

  override head(head: Parameters<FakeClient['head']>[0]): void {
    super.head(head);
    this.headers = head.headers;
  }

  override data(bytes: Buffer): void {
    this.chunks.push(bytes);
    if (this.takes) this.exchange.consumed(bytes.length);
  }

  override end(trailers?: string[]): void {
    this.ended = true;
    this.trailers = trailers;
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

const policy = policyOf([{ path: 'compression.enabled', value: true }]);
const context = ruleLab();

function make(over: Partial<OpenHead> = {}, accept: string[] = ['br, gzip']) {
  const pool = new FakePool();
  const client = new Client();
  const headers = ['Host', 'a', ...accept.flatMap((value) => ['Accept-Encoding', value]), ...(over.headers ?? [])];
  compression.make(policy, context)?.(pool.dispatch)(fakeRequest({ ...over, headers }), client);
  return { client, agent: pool.last, pool };
}

type Made = ReturnType<typeof make>;

const answer = ({ agent }: Made, headers: string[], status = 200): void => {
  agent.sink.head({ status, reason: '', headers: ['Content-Type', 'text/plain', ...headers] });
};
const valueOf = (headers: readonly string[], name: string): string | undefined =>
  headers[headers.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name) + 1];
const encodingOf = ({ client }: Made): string | undefined =>
  client.headers.includes('Content-Encoding') ? valueOf(client.headers, 'content-encoding') : undefined;
const TEXT = 'what is said again and again. '.repeat(1000);
/** Bytes that the agent may have under way. */
const WINDOW = 262_144;
const consumedBy = (calls: readonly string[]): number =>
  calls.reduce((sum, call) => sum + (call.startsWith('consumed ') ? Number(call.slice(9)) : 0), 0);

describe('compression', () => {
  afterEach(async () => {
    await eventually(() => compressors.count === 0);
  });

  it('makes an answer shorter, and says so; its trailers and credit stay', async () => {
    const it = make();
    const bytes = ['Content-Length', String(TEXT.length), 'ETag', '"1"', 'Accept-Ranges', 'bytes', 'X-Own', '1'];
    answer(it, [...bytes, 'Vary', 'Origin', 'Vary', 'Cookie']);
    it.agent.sink.data(Buffer.from(TEXT.slice(0, 10_000)));
    it.agent.sink.data(Buffer.from(TEXT.slice(10_000)));
    it.agent.sink.end(['T', '1']);
    await eventually(() => it.client.ended);
    expect(it.client.headers).toEqual([
      ...['Content-Type', 'text/plain', 'ETag', 'W/"1"', 'X-Own', '1'],
      ...['Vary', 'Origin, Cookie, Accept-Encoding', 'Content-Encoding', 'br'],
    ]);
    expect(brotliDecompressSync(it.client.body).toString()).toBe(TEXT);
    expect(it.client.body.length).toBeLessThan(1000);
    expect(it.client.trailers).toEqual(['T', '1']);
    expect(consumedBy(it.agent.calls)).toBe(TEXT.length);
  });

  it.each([
    [['br, gzip'], 'br'],
    [['gzip, br'], 'br'],
    [['gzip'], 'gzip'],
    [['deflate', 'gzip'], 'gzip'],
    [['br;q=0.5, gzip;q=0.8'], 'gzip'],
    [['*'], 'br'],
    [['gzip;q=0, br;q=0'], undefined],
    [['identity, gzip;q=0.5'], undefined],
    [['zstd'], undefined],
    [[''], undefined],
    [[], undefined],
    [[', ;;;q=x,\u00ff'], undefined],
  ])('gives a client that takes %j %s', async (accept, encoding) => {
    const it = make({}, accept);
    answer(it, []);
    expect([encodingOf(it), valueOf(it.client.headers, 'vary')]).toEqual([encoding, 'Accept-Encoding']);
    it.agent.sink.data(Buffer.from(TEXT));
    it.agent.sink.end(undefined);
    await eventually(() => it.client.ended);
    const { body } = it.client;
    const plain = encoding === 'br' ? brotliDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body;
    expect(plain.toString()).toBe(TEXT);
  });

  it.each<[string, string[], number]>([
    ['encoded already', ['Content-Encoding', 'zstd'], 200],
    ['not to be transformed', ['Cache-Control', 'public', 'Cache-Control', 'max-age=1, no-transform'], 200],
    ['short', ['Content-Length', '1023'], 200],
    ['of no length that is one', ['Content-Length', 'many'], 200],
    ['a part', ['Content-Range', 'bytes 0-1/2'], 206],
    ['no content', [], 204],
    ['reset content', [], 205],
    ['not modified', [], 304],
  ])('leaves an answer alone that is %s', (_what, headers, status) => {
    const it = make();
    answer(it, headers, status);
    expect(it.client.headers).toEqual(['Content-Type', 'text/plain', ...headers]);
    it.agent.sink.data(Buffer.from('x'));
    it.agent.sink.end(['T', '1']);
    expect([it.client.body.toString(), it.client.trailers, it.agent.calls]).toEqual(['x', ['T', '1'], ['consumed 1']]);
  });

  it.each([
    ['text/event-stream', undefined],
    ['text/event-stream; charset=utf-8', undefined],
    ['application/grpc+proto', undefined],
    ['image/png', undefined],
    ['', undefined],
    ['TEXT/HTML;charset=x', 'br'],
    ['image/svg+xml', 'br'],
    ['application/jsonp', undefined],
  ])('looks at the type: %s', (type, encoding) => {
    const it = make();
    it.agent.sink.head({ status: 200, reason: '', headers: ['Content-Type', type] });
    expect(encodingOf(it)).toBe(encoding);
    it.client.exchange.reset(ResetCode.cancelled);
  });

  it('tells HEAD what it would be told without, and that answers differ', () => {
    const it = make({ method: 'HEAD' });
    answer(it, ['Content-Length', '5000', 'ETag', '"1"']);
    expect(it.client.headers.slice(2)).toEqual(['Content-Length', '5000', 'ETag', '"1"', 'Vary', 'Accept-Encoding']);
    it.agent.sink.end(undefined);
    expect(it.client.ended).toBe(true);
  });

  it('gives a 304 the tag of the answer that the client has', () => {
    const weak = make({ headers: ['If-None-Match', '"0", W/"1"'] });
    answer(weak, ['ETag', '"1"'], 304);
    expect(weak.client.headers.slice(2)).toEqual(['ETag', 'W/"1"', 'Vary', 'Accept-Encoding']);
    const strong = make({ headers: ['If-None-Match', '"1"'] });
    answer(strong, ['ETag', '"1"'], 304);
    expect(strong.client.headers.slice(2)).toEqual(['ETag', '"1"']);
  });

  it('sends what it has of an answer whose length is not known, at once', async () => {
    const it = make({}, ['gzip']);
    answer(it, []);
    for (const part of ['one', 'two', 'three']) {
      it.agent.sink.data(Buffer.from(part));
      await eventually(() => gunzipSync(it.client.body, { finishFlush: 2 }).toString().endsWith(part));
    }
    it.client.exchange.reset(ResetCode.cancelled);
  });

  it('holds credit back while the client does not take what there is, and gives all of it in the end', async () => {
    const it = make({}, ['gzip']);
    it.client.takes = false;
    answer(it, []);
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => String(Math.sin(i))).join());
    let given = 0;
    for (let before = -1; before < given;) {
      before = given;
      for (; given - consumedBy(it.agent.calls) < WINDOW; given += 65_536)
        it.agent.sink.data(noise.subarray(given, given + 65_536));
      await settled(() => it.client.body.length);
    }
    expect(it.client.body.length).toBeLessThan(131_072 + WINDOW);
    it.agent.sink.end(undefined);
    await eventually(() => it.client.ended);
    expect(consumedBy(it.agent.calls)).toBeLessThan(given);
    it.client.exchange.consumed(it.client.body.length);
    expect(consumedBy(it.agent.calls)).toBe(given);
    it.client.exchange.discard();
    it.client.exchange.consumed(1);
    expect(it.agent.calls.at(-1)).toBe('discard');
    expect(gunzipSync(it.client.body).equals(noise.subarray(0, given))).toBe(true);
  });

  it.each(['reset', 'discard', 'fail'] as const)('is over at once: %s', async (how) => {
    const it = make();
    answer(it, []);
    it.agent.sink.data(Buffer.from(TEXT));
    if (how === 'reset') it.client.exchange.reset(ResetCode.cancelled);
    else if (how === 'discard') it.client.exchange.discard();
    else it.agent.sink.failed({ code: ResetCode.localFailed, message: '' });
    await eventually(() => compressors.count === 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect([it.client.chunks, it.client.ended, consumedBy(it.agent.calls)]).toEqual([[], false, 0]);
  });

  it.each([
    ['shorter', 1999],
    ['longer', 2001],
  ])('does not make an answer look whole that is %s than it said', async (_what, bytes) => {
    const it = make();
    answer(it, ['Content-Length', '2000']);
    it.agent.sink.data(Buffer.from(TEXT.slice(0, bytes)));
    it.agent.sink.end(undefined);
    await eventually(() => it.client.failures.length === 1);
    expect([it.client.ended, it.agent.calls]).toEqual([false, [`reset ${ResetCode.internal}`]]);
  });

  it('leaves answers alone that come without an exchange, and upgrades', () => {
    const client = new Client();
    client.exchange = { consumed: () => undefined } as unknown as Client['exchange'];
    compression.make(
      policy,
      context,
    )?.((_request, sink) => {
      sink.head({ status: 503, reason: '', headers: ['Content-Type', 'text/html', 'Content-Length', '3000'] });
      sink.data(Buffer.from(TEXT.slice(0, 3000)));
      sink.end(undefined);
    })(fakeRequest({ headers: ['Accept-Encoding', 'br'] }), client);
    expect([client.body.length, client.ended]).toEqual([3000, true]);
    const upgrade = make({ kind: ExchangeKind.upgrade });
    answer(upgrade, []);
    expect(encodingOf(upgrade)).toBeUndefined();
  });

  it('has so many compressors at a time; further answers pass as they are', async () => {
    const many = Array.from({ length: MAX_COMPRESSORS }, () => make());
    for (const one of many) answer(one, []);
    expect(many.every((one) => encodingOf(one) === 'br')).toBe(true);
    const further = make();
    answer(further, ['Content-Length', String(TEXT.length)]);
    expect([encodingOf(further), valueOf(further.client.headers, 'vary')]).toEqual([undefined, 'Accept-Encoding']);
    further.agent.sink.data(Buffer.from(TEXT));
    expect(further.client.body.toString()).toBe(TEXT);
    many[0]?.client.exchange.reset(ResetCode.cancelled);
    await eventually(() => compressors.count < MAX_COMPRESSORS);
    const next = make();
    answer(next, []);
    expect(encodingOf(next)).toBe('br');
    for (const one of [...many, next]) one.client.exchange.reset(ResetCode.cancelled);
  });

  it('counts a compressor until it is gone, whatever it has done', async () => {
    const slots = new Compressors(1);
    const first = slots.start('gzip');
    expect(slots.start('br')).toBeUndefined();
    first?.end('x');
    first?.resume();
    await eventually(() => slots.count === 0);
  });
});
