import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { connect as connectH2, type IncomingHttpHeaders } from 'node:http2';
import { brotliDecompressSync, createGunzip, gunzipSync } from 'node:zlib';
import { eventually, RawClient, settled } from '@berth/testing';
import { finish, headOf, idle, type Relay, relayToListener, send, start } from '@berth/testing/system';

/** Text that becomes some three quarters of it. */
const TEXT = randomBytes(1_500_000).toString('base64');
const FIFTH = TEXT.slice(0, 400_000);

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

const compressing = (listener: RequestListener): Promise<Relay> =>
  relayToListener(listener, {
    gateway: {
      policies: { '*': { compression: { enabled: true } } },
      ingress: { http2: { clear: true } },
    },
  });

/** Gives {@link TEXT}, by its path in some other way. */
const service: RequestListener = (request, response) => {
  const { url = '/' } = request;
  response.setHeader('Content-Type', 'text/plain');
  response.setHeader('ETag', '"1"');
  const answers: Record<string, () => void> = {
    '/length': () => response.writeHead(200, { 'Content-Length': TEXT.length }).end(TEXT),
    '/fifth': () => response.writeHead(200, { 'Content-Length': FIFTH.length }).end(FIFTH),
    '/part': () => response.writeHead(206, { 'Content-Range': `bytes 0-1999/${TEXT.length}` }).end(TEXT.slice(0, 2000)),
    '/same': () => response.writeHead(304).end(),
    '/zipped': () => response.writeHead(200, { 'Content-Encoding': 'x-own' }).end(TEXT),
    '/exact': () => response.writeHead(200, { 'Cache-Control': 'no-transform' }).end(TEXT),
    '/trailers': () => {
      response.writeHead(200, { Trailer: 'X-Sum' }).write(TEXT);
      response.addTrailers({ 'X-Sum': sha256(TEXT) });
      response.end();
    },
    '/cut': () => response.writeHead(200).write(TEXT.slice(0, 100_000), () => request.socket.resetAndDestroy()),
  };
  (answers[url] ?? (() => response.end(TEXT)))();
};

const BR = { 'Accept-Encoding': 'br' };
const GZIP = { 'Accept-Encoding': 'gzip' };

describe('compression at a port', () => {
  it('an answer is shorter, and what is in it is the same', async () => {
    await using relay = await compressing(service);
    for (const path of ['/', '/length']) {
      const br = await send(relay.port, { path, headers: BR });
      const gzip = await send(relay.port, { path, headers: GZIP });
      for (const { headers, status } of [br, gzip]) {
        expect([status, headers.etag, headers.vary]).toEqual([200, 'W/"1"', 'Accept-Encoding']);
        expect(headers).not.toHaveProperty('content-length');
      }
      expect([br.headers['content-encoding'], gzip.headers['content-encoding']]).toEqual(['br', 'gzip']);
      expect([brotliDecompressSync(br.body), gunzipSync(gzip.body)].map(sha256)).toEqual([sha256(TEXT), sha256(TEXT)]);
      expect(gzip.body.length).toBeLessThan(0.8 * TEXT.length);
      const plain = await send(relay.port, { path });
      expect([plain.text === TEXT, plain.headers.etag, plain.headers.vary]).toEqual([true, '"1"', 'Accept-Encoding']);
    }
  });

  it('what has to stay as it is does', async () => {
    await using relay = await compressing(service);
    const get = (path: string, method = 'GET') => send(relay.port, { path, method, headers: GZIP });
    const head = await get('/length', 'HEAD');
    expect([head.headers['content-length'], head.headers['content-encoding']]).toEqual([
      String(TEXT.length),
      undefined,
    ]);
    const part = await get('/part');
    expect([part.status, part.text === TEXT.slice(0, 2000), part.headers.etag]).toEqual([206, true, '"1"']);
    const same = await get('/same');
    expect([same.status, same.body.length]).toEqual([304, 0]);
    const zipped = await get('/zipped');
    expect([zipped.headers['content-encoding'], zipped.text === TEXT]).toEqual(['x-own', true]);
    const exact = await get('/exact');
    expect([exact.headers['content-encoding'], exact.text === TEXT]).toEqual([undefined, true]);
  });

  it('trailers come behind it, and a broken answer is seen as one', async () => {
    await using relay = await compressing(service);
    const { body, rawTrailers } = await send(relay.port, { path: '/trailers', headers: BR });
    expect([sha256(brotliDecompressSync(body)), rawTrailers]).toEqual([sha256(TEXT), ['X-Sum', sha256(TEXT)]]);
    await expect(send(relay.port, { path: '/cut', headers: BR })).rejects.toThrow(/aborted/);
    expect((await send(relay.port, { headers: BR })).status).toBe(200);
  });

  it('clients of HTTP/2 have it too', async () => {
    await using relay = await compressing(service);
    const client = connectH2(`http://127.0.0.1:${relay.port}`);
    const bodies = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const stream = client.request({ ':path': '/trailers', 'accept-encoding': 'gzip, br' });
        const chunks: Buffer[] = [];
        let sum: unknown;
        stream.on('data', (bytes: Buffer) => chunks.push(bytes));
        stream.on('trailers', (trailers: IncomingHttpHeaders) => (sum = trailers['x-sum']));
        const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
        await once(stream, 'end');
        return [head['content-encoding'], sum, sha256(brotliDecompressSync(Buffer.concat(chunks)))];
      }),
    );
    client.destroy();
    expect(bodies).toEqual(bodies.map(() => ['br', sha256(TEXT), sha256(TEXT)]));
  });

  it('what is said bit by bit arrives bit by bit; an event stream is not touched', async () => {
    let live: ServerResponse | undefined;
    await using relay = await compressing((request, response) => {
      response.writeHead(200, { 'Content-Type': request.url === '/events' ? 'text/event-stream' : 'text/plain' });
      response.flushHeaders();
      live = response;
    });
    for (const [path, encoding] of [['/', 'gzip'] as const, ['/events', undefined] as const]) {
      const response = await headOf(start(relay.port, { path, headers: GZIP }).end());
      expect(response.headers['content-encoding']).toBe(encoding);
      const plain = encoding === undefined ? response : response.pipe(createGunzip());
      let said = '';
      plain.on('data', (bytes: Buffer) => (said += bytes.toString()));
      for (let i = 0; i < 10; i += 1) {
        live?.write(`part ${i}\n`);
        await eventually(() => said.endsWith(`part ${i}\n`));
      }
      live?.end();
      await once(plain, 'end');
    }
  });

  it('a client that does not read holds its service back, and nobody else', async () => {
    let written = 0;
    await using relay = await compressing((request, response) => {
      if (request.url !== '/endless') {
        service(request, response);
        return;
      }
      response.setHeader('Content-Type', 'text/plain');
      const more = (): void => {
        while (!response.destroyed && written < 100_000_000) {
          written += TEXT.length;
          if (!response.write(TEXT)) break;
        }
        response.once('drain', more);
      };
      more();
    });
    const slow = await RawClient.connect(relay.port);
    slow.socket.pause();
    slow.send('GET /endless HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
    expect(await settled(() => written)).toBeLessThan(40_000_000);
    for (let i = 0; i < 5; i += 1)
      expect(sha256(gunzipSync((await send(relay.port, { headers: GZIP })).body))).toBe(sha256(TEXT));
    slow.destroy();
    await idle(relay.gateway);
  });

  it('clients that leave in the middle leave nothing behind', async () => {
    await using relay = await compressing(service);
    // More than can be compressed at a time, were they not let go of.
    for (let i = 0; i < 20; i += 1) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const request = start(relay.port, { headers: BR }).end();
          const response = await headOf(request);
          response.on('error', () => undefined);
          await once(response, 'readable');
          request.destroy();
        }),
      );
    }
    await idle(relay.gateway);
    await eventually(async () => (await send(relay.port, { headers: BR })).headers['content-encoding'] === 'br');
  });

  it('more clients than are compressed for at a time all get the same', async () => {
    await using relay = await compressing(service);
    const requests = Array.from({ length: 200 }, () => start(relay.port, { path: '/fifth', headers: BR }).end());
    const heads = await Promise.all(requests.map(headOf));
    const sums = await Promise.all(
      heads.map(async (head) => {
        const { body, headers } = await finish(head);
        return sha256(headers['content-encoding'] === 'br' ? brotliDecompressSync(body) : body);
      }),
    );
    expect(new Set(sums)).toEqual(new Set([sha256(FIFTH)]));
  });
});
