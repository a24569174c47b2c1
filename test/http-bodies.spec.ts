import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { disposable, eventually, RawClient } from '@berth/testing';
import {
  answering,
  codeIn,
  finish,
  headLines,
  headOf,
  recorded,
  type Relay,
  relayToListener,
  relayToRecorder,
  send,
  start,
  untilClosed,
  untilMatch,
} from '@berth/testing/system';

const MiB = 1024 * 1024;
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Cuts a buffer into pieces of 1 byte to 200 KiB. */
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const length = Math.ceil(Math.random() ** 3 * 200_000);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function writeAll(to: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  for (const piece of pieces(bytes)) if (!to.write(piece)) await once(to, 'drain');
  to.end();
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('bodies', () => {
  let relay: Relay;
  let listener: (request: IncomingMessage, response: ServerResponse) => unknown = () => undefined;
  beforeAll(async () => {
    relay = await relayToListener((request, response) => {
      void Promise.resolve(listener(request, response));
    });
  });
  afterAll(() => relay[Symbol.asyncDispose]());

  it.each([0, 1, 2048, 2049, 65_536, 300_000, 24 * MiB])('takes %d bytes both ways, unharmed', async (size) => {
    const bytes = randomBytes(size);
    listener = async (request, response) => {
      const body = await bodyOf(request);
      response.setHeader(
        'X-Framing',
        String(request.headers['content-length'] ?? request.headers['transfer-encoding']),
      );
      response.setHeader('X-Sha', sha(body));
      response.setHeader('Content-Length', body.length);
      response.end(body);
    };
    const answer = await send(relay.port, { method: 'PUT', headers: { 'Content-Length': String(size) }, body: bytes });
    expect([answer.headers['x-framing'], answer.headers['x-sha']]).toEqual([String(size), sha(bytes)]);
    expect([answer.headers['content-length'], sha(answer.body)]).toEqual([String(size), sha(bytes)]);
  });

  it('takes chunked bodies of unknown length, whatever the chunks', async () => {
    const bytes = randomBytes(9 * MiB);
    listener = async (request, response) => {
      response.setHeader('X-Framing', String(request.headers['transfer-encoding']));
      const body = await bodyOf(request);
      await writeAll(response, body);
    };
    const outgoing = start(relay.port, { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
    const head = headOf(outgoing);
    const [answer] = await Promise.all([head.then(finish), writeAll(outgoing, bytes)]);
    expect(answer.headers['x-framing']).toBe('chunked');
    expect(answer.headers['transfer-encoding']).toBe('chunked');
    expect(sha(answer.body)).toBe(sha(bytes));
  });

  it('streams in both directions at once', async () => {
    const bytes = randomBytes(6 * MiB);
    listener = (request, response) => request.pipe(response);
    const outgoing = start(relay.port, { method: 'POST' });
    const head = headOf(outgoing);
    const [answer] = await Promise.all([head.then(finish), writeAll(outgoing, bytes)]);
    expect(sha(answer.body)).toBe(sha(bytes));
  });

  it.each(['GET', 'DELETE', 'OPTIONS', 'QUERY', 'PROPFIND'])('takes a body on %s, framed', async (method) => {
    listener = async (request, response) => response.end(`${String(request.method)} ${String(await bodyOf(request))}`);
    expect((await send(relay.port, { method, headers: { 'Content-Length': '4' }, body: 'body' })).text).toBe(
      `${method} body`,
    );
    const chunked = { 'Transfer-Encoding': 'chunked' };
    expect((await send(relay.port, { method, headers: chunked, body: 'body' })).text).toBe(`${method} body`);
  });

  it('HEAD keeps Content-Length and has no body; the connection goes on', async () => {
    listener = (request, response) => {
      response.setHeader('Content-Length', '5');
      response.end(request.method === 'HEAD' ? undefined : 'hello');
    };
    await using agent = disposable(new Agent({ keepAlive: true, maxSockets: 1 }), (it) => it.destroy());
    const head = await send(relay.port, { method: 'HEAD', agent });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '5', '']);
    expect((await send(relay.port, { agent })).text).toBe('hello');
  });

  it.each([204, 304])('a %d has no body and no framing of its own', async (status) => {
    listener = (_request, response) => {
      response.writeHead(status, { ETag: '"x"' });
      response.end();
    };
    await using agent = disposable(new Agent({ keepAlive: true, maxSockets: 1 }), (it) => it.destroy());
    const answer = await send(relay.port, { agent });
    expect([answer.status, answer.headers.etag, answer.text]).toEqual([status, '"x"', '']);
    expect(answer.headers['transfer-encoding'] ?? answer.headers['content-length']).toBeUndefined();
    expect((await send(relay.port, { agent })).status).toBe(status);
  });

  it('trailers go both ways, with their names as they are', async () => {
    listener = async (request, response) => {
      response.writeHead(200, { Trailer: 'X-Sum, X-Echo' });
      response.write(await bodyOf(request));
      response.addTrailers([
        ['X-Sum', '42'],
        ['X-Echo', request.rawTrailers.join('=')],
      ]);
      response.end();
    };
    const outgoing = start(relay.port, {
      method: 'POST',
      headers: { Trailer: 'X-Up', 'Transfer-Encoding': 'chunked' },
    });
    const head = headOf(outgoing);
    outgoing.write('bytes');
    // The gateway alone says who a client is, and a trailer may be read as a header.
    outgoing.addTrailers({ 'X-Up': 'caf\xe9', 'X-Client-Cert-Subject': 'CN=root', 'x_client_cert-subject': 'CN=root' });
    outgoing.end();
    const answer = await finish(await head);
    expect(answer.text).toBe('bytes');
    expect(answer.rawTrailers).toEqual(['X-Sum', '42', 'X-Echo', 'X-Up=caf\xe9']);
  });

  it('a trailer that was announced where none can be does no harm', async () => {
    listener = (request, response) => {
      request.resume();
      // The raw socket: Node itself would not send this.
      response.socket?.write('HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok');
    };
    for (const framing of ['', 'Content-Length: 4\r\n']) {
      const body = framing === '' ? '' : 'body';
      const head = `POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Up\r\n${framing}\r\n${body}`;
      expect(headLines(await untilMatch(relay.port, head, /ok$/))[0]).toBe('HTTP/1.1 200 OK');
    }
    listener = (request, response) => {
      if (request.method === 'HEAD') response.socket?.write('HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n\r\n');
      else {
        response.writeHead(200, { Trailer: 'X-Sum' });
        response.end('ok');
      }
    };
    expect(await untilClosed(relay.port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n.*ok$/s);
    expect((await send(relay.port, { method: 'HEAD' })).status).toBe(200);
  });

  it('an HTTP/1.0 client gets no chunks; the end of the connection is the end of the body', async () => {
    listener = (_request, response) => {
      response.write('one ');
      response.end('two');
    };
    const text = await untilClosed(relay.port, 'GET / HTTP/1.0\r\n\r\n');
    expect(text).toMatch(/\r\n\r\none two$/);
    expect(text).not.toMatch(/transfer-encoding/i);
  });

  it('an HTTP/1.0 client may keep its connection where Content-Length frames', async () => {
    listener = (_request, response) => {
      response.setHeader('Content-Length', '2');
      response.end('ok');
    };
    using client = await RawClient.connect(relay.port);
    for (let i = 1; i <= 2; i += 1) {
      client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
      await eventually(() => client.text().split('HTTP/1.1 200 OK').length === i + 1 && client.text().endsWith('ok'));
    }
    expect(client.ended).toBe(false);
  });

  it('an answer before the upload is complete arrives whole, and so does the next one', async () => {
    listener = (_request, response) => {
      response.writeHead(403, { 'Content-Length': '2' });
      response.end('no');
    };
    using client = await RawClient.connect(relay.port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${8 * MiB}\r\n\r\n`);
    client.send(Buffer.alloc(4 * MiB));
    await eventually(() => client.text().endsWith('\r\n\r\nno'));
    client.send(Buffer.alloc(4 * MiB));
    client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => client.text().split('HTTP/1.1 403').length === 3);
  });

  it('events of any content type arrive one by one, before the next is sent', async () => {
    for (const type of ['text/event-stream', 'application/x-ndjson', 'text/plain', 'application/octet-stream']) {
      let next: (() => void) | undefined;
      listener = (_request, response) => {
        response.writeHead(200, { 'Content-Type': type });
        response.flushHeaders();
        let count = 0;
        next = () => response.write(`event ${++count}\n`);
        response.on('close', () => (next = undefined));
      };
      const outgoing = start(relay.port);
      const head = headOf(outgoing);
      outgoing.end();
      const response = await head;
      for (let i = 1; i <= 5; i += 1) {
        const arrived = once(response, 'data');
        next?.();
        expect(String((await arrived)[0])).toBe(`event ${i}\n`);
      }
      response.on('error', () => undefined);
      outgoing.destroy();
      await eventually(() => next === undefined);
    }
  });
});

describe('framing of the local service', () => {
  it('a body that the end of the connection ends becomes a chunked one', async () => {
    await using relay = await relayToRecorder((connection) => {
      connection.socket.end('HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nuntil close');
    });
    const answer = await send(relay.port);
    expect([answer.text, answer.headers['transfer-encoding']]).toEqual(['until close', 'chunked']);
  });

  it.each([
    ['Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('a response cut short (%s) reaches the client as cut short', async (_name, bytes) => {
    await using relay = await relayToRecorder((connection) => connection.socket.end(bytes));
    const text = await untilClosed(relay.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(text).toContain('half');
    expect(text).not.toContain('\r\n0\r\n');
    await expect(send(relay.port)).rejects.toThrow('aborted');
  });

  it('a chunked response cut short resets an HTTP/1.0 client: nothing else would show it', async () => {
    await using relay = await relayToRecorder((connection) => {
      connection.socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
    });
    const client = await RawClient.connect(relay.port);
    const failed = once(client.socket, 'error');
    client.send('GET / HTTP/1.0\r\n\r\n');
    expect(((await failed)[0] as NodeJS.ErrnoException).code).toBe('ECONNRESET');
  });

  it.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!'],
    [
      'length beside chunked',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ],
    ['gzip as transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a bad header', 'HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n'],
    ['a head over the limit', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
    ['nothing', ''],
  ])('502 for %s', async (_name, bytes) => {
    await using relay = await relayToRecorder((connection) => connection.socket.end(bytes, 'latin1'));
    const answer = await send(relay.port, { method: 'POST' });
    expect([answer.status, codeIn(answer.text)]).toEqual([502, 'BERTH_LOCAL_SERVICE_FAILED']);
  });

  it('adds Content-Length or chunks where a body has neither, and none where there is no body', async () => {
    await using relay = await relayToRecorder(answering('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    await send(relay.port, { method: 'GET' });
    expect(recorded(relay.recorder)).not.toMatch(/content-length|transfer-encoding/i);
    await send(relay.port, { method: 'POST' });
    expect(recorded(relay.recorder)).toMatch(/content-length: 0/i);
  });
});
