import { constants } from 'node:http2';
import { eventually, settled } from '@berth/testing';
import { H2, H2_PREFACE, h2Frame } from '@berth/testing/system';
import { ask, codes, Http2TestPort, rawHead, rawReset } from '../../../testing/http2-port.js';

const GET = { ':path': '/' };

const CALM = String(constants.NGHTTP2_ENHANCE_YOUR_CALM);
const ACK = h2Frame(H2.settings, 1, 0);

describe('a connection of HTTP/2', () => {
  it('runs so many streams at once, and refuses what is beyond them unread', async () => {
    await using port = await Http2TestPort.start({ maxStreams: 2 });
    const client = await port.raw(H2_PREFACE, rawHead(1), rawHead(3), rawHead(5));
    await eventually(() => codes(client, H2.reset).length === 1);
    expect(codes(client, H2.reset)).toEqual([`5:${constants.NGHTTP2_REFUSED_STREAM}`]);
    expect(port.pool.exchanges).toHaveLength(2);
  });

  it.each(['at once', 'one by one'])('ends when its client resets streams %s', async (how) => {
    await using port = await Http2TestPort.start({ resetBurst: 20, resetsPerSecond: 1 });
    const client = await port.raw(H2_PREFACE, ACK);
    const pair = (i: number): Buffer => Buffer.concat([rawHead(2 * i + 1), rawReset(2 * i + 1, 8)]);
    if (how === 'at once') client.send(Buffer.concat(Array.from({ length: 60 }, (_, i) => pair(i))));
    else {
      for (let i = 0; i < 60 && !client.ended; i += 1) {
        client.send(rawHead(2 * i + 1));
        await eventually(() => port.pool.exchanges.length === i + 1 || client.ended);
        client.send(rawReset(2 * i + 1, 8));
      }
    }
    await eventually(() => client.ended || client.closed);
    expect(codes(client, H2.goaway)).toEqual([CALM]);
    expect(port.pool.exchanges.length).toBeLessThanOrEqual(how === 'at once' ? 0 : 22);
  });

  it('lets a client cancel now and then', async () => {
    await using port = await Http2TestPort.start({ resetBurst: 20, resetsPerSecond: 1 });
    const client = await port.raw(H2_PREFACE, ACK);
    for (let i = 0; i < 18; i += 1) client.send(Buffer.concat([rawHead(2 * i + 1), rawReset(2 * i + 1, 8)]));
    client.send(rawHead(101));
    await eventually(() => port.pool.exchanges.length >= 1);
    expect(client.ended).toBe(false);
  });

  const field = (name: string, value: string): Record<string, string> => ({ [name]: value });
  it.each([
    ['Connection', field('connection', 'close'), ''],
    ['Transfer-Encoding', field('transfer-encoding', 'chunked'), ''],
    ['Keep-Alive', field('keep-alive', '1'), ''],
    ['Upgrade', field('upgrade', 'websocket'), ''],
    ['Proxy-Connection', field('proxy-connection', 'close'), ''],
    ['another TE than trailers', field('te', 'gzip'), ''],
    ['a name in upper case', field('Upper-Case', '1'), ''],
    ['a length that is none', field('content-length', 'x'), ''],
    ['a status', field(':status', '200'), ''],
    ['a pseudo-header field behind others', { a: 'b', ':protocol': 'c' }, ''],
    ['an empty path', field(':path', ''), ''],
    ['a path without a slash', field(':path', 'a'), ''],
    ['fewer bytes than it says', field('content-length', '3'), 'ab'],
  ])('resets a request with %s, and goes on', async (_, headers, body) => {
    await using port = await Http2TestPort.start();
    const client = await port.raw(H2_PREFACE, ACK, rawHead(1, headers, body === '' ? 5 : 4));
    if (body !== '') client.send(h2Frame(H2.data, 1, 1, Buffer.from(body)));
    await eventually(() => codes(client, H2.reset).length > 0 || client.ended);
    expect(codes(client, H2.reset)).toEqual([`1:${constants.NGHTTP2_PROTOCOL_ERROR}`]);
    client.send(rawHead(3, {}, 5));
    await eventually(() => port.pool.exchanges.at(-1)?.openHead.body === false);
    for (const { calls } of port.pool.exchanges) expect(calls).not.toContain('end');
  });

  it('ends when a body is longer than its Content-Length', async () => {
    await using port = await Http2TestPort.start();
    const body = h2Frame(H2.data, 1, 1, Buffer.from('ab'));
    const client = await port.raw(H2_PREFACE, ACK, rawHead(1, { 'content-length': '1' }), body);
    await eventually(() => client.ended);
    for (const { calls } of port.pool.exchanges) expect(calls).not.toContain('end');
  });

  it('lets no line break through', async () => {
    await using port = await Http2TestPort.start();
    await port.raw(H2_PREFACE, ACK, rawHead(1, { a: 'b\r\nc: d', e: 'f' }, 5));
    await eventually(() => port.pool.exchanges.length === 1);
    // nghttp2 drops such a field.
    expect(port.pool.last.openHead.headers).toEqual(['host', 'a', 'e', 'f']);
  });

  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, '']));
  it.each([
    ['with a long field', { a: 'x'.repeat(2000) }],
    ['with many fields', many(64)],
    ['that is a call of gRPC', { 'content-type': 'application/grpc', a: 'x'.repeat(2000) }],
  ])('answers a head %s that is larger than it may be with 431, and goes on', async (_, fields) => {
    await using port = await Http2TestPort.start({ maxHeaderBytes: 2048 });
    const client = await port.connect();
    const { got } = ask(client, { ...GET, ...fields }, true);
    await eventually(() => got.closed);
    const grpc = 'content-type' in fields;
    expect(got.head).toMatchObject(
      grpc ? { ':status': 200, 'grpc-status': '3' } : { ':status': 431, 'berth-request-reached': 'no' },
    );
    if (!grpc) expect(JSON.parse(got.body)).toMatchObject({ error: { code: 'BERTH_HEADERS_TOO_LARGE' } });
    expect(got.code).toBe(constants.NGHTTP2_NO_ERROR);
    expect(port.pool.exchanges).toHaveLength(0);
    ask(client, { ...GET, a: 'x'.repeat(1700) }, true);
    await eventually(() => port.pool.exchanges.length === 1);
  });

  it('resets a head that is larger than twice what it may be, and goes on', async () => {
    await using port = await Http2TestPort.start({ maxHeaderBytes: 2048 });
    const client = await port.raw(H2_PREFACE, ACK, rawHead(1, { a: 'x'.repeat(4096) }), rawHead(3, { a: 'x' }));
    await eventually(() => port.pool.exchanges.length === 1);
    await eventually(() => codes(client, H2.reset).length === 1);
    expect(codes(client, H2.reset)).toEqual([`1:${CALM}`]);
  });

  describe('ends a flood of', () => {
    const zero = Buffer.alloc(8);
    const update = Buffer.from([0, 0, 0, 1]);
    const floods: [string, Buffer, Buffer[]][] = [
      ['PING', h2Frame(H2.ping, 0, 0, zero), []],
      ['answers to PINGs that were never sent', h2Frame(H2.ping, 1, 0, zero), []],
      ['SETTINGS', h2Frame(H2.settings, 0, 0), []],
      ['WINDOW_UPDATE', h2Frame(H2.windowUpdate, 0, 1, update), [rawHead(1)]],
      ['PRIORITY', h2Frame(2, 0, 1, Buffer.from([0, 0, 0, 3, 1])), [rawHead(1)]],
      ['frames that nobody knows', h2Frame(200, 0, 0, zero), []],
      ['empty DATA', h2Frame(H2.data, 0, 1), [rawHead(1)]],
      ['CONTINUATION', h2Frame(H2.continuation, 0, 1), [rawHead(1, {}, 0)]],
      ['CONTINUATION with fields', h2Frame(H2.continuation, 0, 1, Buffer.from([0, 1, 97, 1, 98])), [rawHead(1, {}, 0)]],
    ];
    it.each(floods)('%s', async (_, frame, before) => {
      await using port = await Http2TestPort.start();
      const client = await port.raw(H2_PREFACE, ACK, ...before);
      const many = Buffer.concat(Array.from({ length: 1000 }, () => frame));
      const more = (): void => {
        while (!client.closed && client.socket.writable && client.socket.write(many));
      };
      client.socket.on('drain', more);
      more();
      await eventually(() => client.ended || client.closed, 8000);
      // Nobody else suffers.
      const other = ask(await port.connect(), GET);
      await eventually(() => port.pool.exchanges.at(-1)?.openHead.method === 'GET');
      port.pool.last.sink.head({ status: 204, reason: '', headers: [] });
      port.pool.last.sink.end(undefined);
      await eventually(() => other.got.closed);
    });
  });

  it('ends when no request comes, and when no other one comes', async () => {
    await using port = await Http2TestPort.start({ headersTimeoutMs: 150, keepAliveTimeoutMs: 200 });
    const silent = await port.raw(H2_PREFACE, ACK);
    const client = await port.connect();
    let gone: number | undefined;
    client.on('goaway', (code: number) => (gone ??= code));
    const { got } = ask(client, GET);
    await eventually(() => silent.ended || silent.closed);
    expect(codes(silent, H2.goaway)[0]).toBe('0');
    // One that runs is no idle connection.
    expect(gone).toBeUndefined();
    port.pool.last.sink.head({ status: 204, reason: '', headers: [] });
    port.pool.last.sink.end(undefined);
    await eventually(() => client.destroyed);
    expect([got.head?.[':status'], gone]).toEqual([204, 0]);
  });

  it('tells its client when the server stops, and what runs goes on', async () => {
    await using port = await Http2TestPort.start();
    const client = await port.connect();
    let gone: number | undefined;
    client.on('goaway', (code: number) => (gone ??= code));
    const { got } = ask(client, GET);
    await eventually(() => port.pool.exchanges.length === 1);
    const idle = await port.connect();
    const stopped = port.stop(5000);
    await eventually(() => gone === 0 && idle.destroyed);
    port.pool.last.sink.head({ status: 200, reason: '', headers: [] });
    port.pool.last.sink.data(Buffer.from('last'));
    port.pool.last.sink.end(undefined);
    await stopped;
    await eventually(() => got.closed);
    expect(got).toMatchObject({ body: 'last', code: 0 });
  });

  it('answers requests of a connection above a limit with 503', async () => {
    await using port = await Http2TestPort.start({}, { maxConnections: 1 });
    await port.connect();
    const { got } = ask(await port.connect(), GET);
    await eventually(() => got.closed);
    expect(got.head).toMatchObject({ ':status': 503, 'retry-after': '3' });
    expect(got.body).toContain('BERTH_TOO_MANY_CLIENTS');
    expect(port.pool.requests).toEqual([]);
  });

  it('ends with a client that closed its half', async () => {
    await using port = await Http2TestPort.start();
    const idle = await port.raw(H2_PREFACE, ACK);
    await eventually(() => idle.text().length > 0);
    idle.socket.end();
    await eventually(() => idle.ended);
    const waits = await port.raw(H2_PREFACE, ACK, rawHead(1, {}, 5));
    await eventually(() => port.pool.exchanges.length === 1);
    waits.socket.end();
    await eventually(() => port.pool.last.calls.includes('discard'));
    await eventually(() => waits.closed);
  });

  it('lets go of a client that left with an answer under way', async () => {
    await using port = await Http2TestPort.start();
    const windows = [h2Frame(H2.settings, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]))];
    windows.push(h2Frame(H2.windowUpdate, 0, 0, Buffer.from([0x7f, 0, 0, 0])));
    const client = await port.raw(H2_PREFACE, ACK, ...windows, rawHead(1, {}, 5), rawHead(3, {}, 5));
    client.socket.pause();
    await eventually(() => port.pool.exchanges.length === 2);
    const piece = Buffer.alloc(65_536);
    for (const { sink } of port.pool.exchanges) {
      sink.head({ status: 200, reason: '', headers: [] });
      for (let i = 0; i < 200; i += 1) sink.data(piece);
    }
    await settled(() => port.pool.exchanges.flatMap(({ calls }) => calls).length);
    client.destroy();
    await eventually(() => port.pool.exchanges.every(({ calls }) => calls.includes('discard')));
    await eventually(() => port.connections === 0);
  });

  it('takes a GOAWAY of its client for an end in order', async () => {
    await using port = await Http2TestPort.start();
    const client = await port.raw(H2_PREFACE, ACK, rawHead(1, {}, 5), h2Frame(H2.goaway, 0, 0, Buffer.alloc(8)));
    await eventually(() => port.pool.exchanges.length === 1);
    port.pool.last.sink.head({ status: 204, reason: '', headers: [] });
    port.pool.last.sink.end(undefined);
    await eventually(() => client.ended);
    expect(codes(client, H2.reset)).toEqual([]);
    expect(port.pool.last.calls).toContain('discard');
  });

  it('ends when what comes behind the preface is not HTTP/2', async () => {
    await using port = await Http2TestPort.start();
    const client = await port.raw(H2_PREFACE, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10));
    await eventually(() => client.ended || client.closed);
    expect(port.pool.requests).toEqual([]);
  });
});
