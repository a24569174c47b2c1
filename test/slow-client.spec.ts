import { createHash, type Hash, randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, RawClient, listening, settled } from '@berth/testing';
import { finish, headOf, idle, relayTo, relayToListener, send, start } from '@berth/testing/system';

const MiB = 1024 * 1024;
const TOTAL = 200 * MiB;
/** A window of 16 MiB at the most, and the kernel's socket buffers of two TCP connections, bytes. */
const BOUND = 64 * MiB;
const CHUNK = randomBytes(65_536);

const SLOW_TOTAL = 40 * MiB;
const IDLE_MS = 2000;
/** For so long a slow reader takes some 2.5 MB/s: a full window of 16 MiB would last for three idle timeouts. */
const SLOW_FOR_MS = 7000;

/** Reads slowly at first, and then the rest. */
async function readSlowly(body: AsyncIterable<unknown>, digest: Hash): Promise<void> {
  const began = performance.now();
  let bytes = 0;
  for await (const chunk of body) {
    digest.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    const elapsed = performance.now() - began;
    // By the clock: a busy machine must not make it slower.
    if (elapsed < SLOW_FOR_MS && bytes / 2500 > elapsed) await sleep(bytes / 2500 - elapsed);
  }
}

function slowDigest(total = SLOW_TOTAL): string {
  const digest = createHash('sha256');
  for (let bytes = 0; bytes < total; bytes += CHUNK.length) digest.update(CHUNK);
  return digest.digest('hex');
}

describe('slow readers', () => {
  it('a download that stalls holds a bounded part of it, harms no other, and goes on later', async () => {
    let written = 0;
    const sent = createHash('sha256');
    await using relay = await relayToListener((request, response) => {
      if (request.url !== '/large') return void response.end('quick');
      response.writeHead(200, { 'Content-Length': String(TOTAL) });
      const pump = (): void => {
        while (written < TOTAL) {
          written += CHUNK.length;
          sent.update(CHUNK);
          if (!response.write(CHUNK)) return void response.once('drain', pump);
        }
        response.end();
      };
      pump();
    });
    const outgoing = start(relay.port, { path: '/large' });
    const head = headOf(outgoing);
    outgoing.end();
    const response = await head;
    response.pause();
    const stalledAt = await settled(() => written);
    expect(stalledAt).toBeLessThan(BOUND);
    for (let i = 0; i < 20; i += 1) {
      const began = performance.now();
      expect((await send(relay.port)).text).toBe('quick');
      expect(performance.now() - began).toBeLessThan(5000);
    }
    expect(written - stalledAt).toBeLessThan(MiB);
    const got = createHash('sha256');
    let bytes = 0;
    for await (const chunk of response) {
      got.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
    expect(bytes).toBe(TOTAL);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
    await idle(relay.gateway);
  }, 30_000);

  it('an upload to a service that does not read is held back in the same way', async () => {
    const sockets: Socket[] = [];
    await using service = await listening(
      createServer((socket) => {
        sockets.push(socket);
        socket.on('error', () => undefined);
        socket.pause();
      }),
    );
    await using relay = await relayTo(service.port);
    using client = await RawClient.connect(relay.port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${TOTAL}\r\n\r\n`);
    let written = 0;
    const sent = createHash('sha256');
    const pump = (): void => {
      while (written < TOTAL) {
        written += CHUNK.length;
        sent.update(CHUNK);
        if (!client.socket.write(CHUNK)) return void client.socket.once('drain', pump);
      }
    };
    pump();
    expect(await settled(() => written)).toBeLessThan(BOUND);
    const local = await eventually(() => sockets[0]);
    const got = createHash('sha256');
    let head = '';
    let bytes = 0;
    local.on('data', (chunk) => {
      let body = chunk;
      if (bytes === 0 && !head.includes('\r\n\r\n')) {
        head += chunk.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        body = chunk.subarray(chunk.length - (head.length - end - 4));
      }
      got.update(body);
      bytes += body.length;
      if (bytes === TOTAL) local.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    local.resume();
    await eventually(() => client.text().startsWith('HTTP/1.1 200 OK'), 20_000);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
    await idle(relay.gateway);
  }, 30_000);

  it('a client that never reads is let go when it leaves, and its memory with it', async () => {
    let written = 0;
    let gone = false;
    await using relay = await relayToListener((_request, response) => {
      const pump = (): void => {
        do written += CHUNK.length;
        while (response.write(CHUNK));
      };
      response.on('drain', pump).on('close', () => (gone = true));
      pump();
    });
    using client = await RawClient.connect(relay.port);
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await settled(() => written)).toBeLessThan(BOUND);
    client.destroy();
    await idle(relay.gateway);
    await eventually(() => gone);
  });

  it('a client that takes a little at a time is no idle one, however much waits for it', async () => {
    await using relay = await relayToListener(
      (_request, response) => {
        response.writeHead(200, { 'Content-Length': String(SLOW_TOTAL) });
        const left = { bytes: SLOW_TOTAL };
        const pump = (): void => {
          while (left.bytes > 0) {
            left.bytes -= CHUNK.length;
            if (!response.write(CHUNK)) return void response.once('drain', pump);
          }
          response.end();
        };
        pump();
      },
      { gateway: { ingress: { idleTimeoutMs: IDLE_MS } } },
    );
    const outgoing = start(relay.port);
    const head = headOf(outgoing);
    outgoing.end();
    const got = createHash('sha256');
    await readSlowly(await head, got);
    expect(got.digest('hex')).toBe(slowDigest());
    await idle(relay.gateway);
  }, 60_000);

  it.each([
    ['undici', {}],
    ['a socket of its own', { Expect: '100-continue' }],
  ])(
    'an upload that is out, of which a service over %s still takes a little at a time, may wait',
    async (_by, extra) => {
      const got = createHash('sha256');
      const total = 16 * MiB;
      await using relay = await relayToListener(
        (request, response) => void readSlowly(request, got).then(() => response.end('all')),
        {
          // Less than the service needs for what is under way, more than a lump of the kernel's buffers.
          gateway: { ingress: { responseTimeoutMs: 4000 } },
          agent: { tunnel: { windowStartBytes: total } },
        },
      );
      const headers = { 'Content-Length': String(total), ...extra };
      const outgoing = start(relay.port, { method: 'POST', headers });
      const head = headOf(outgoing);
      for (let bytes = 0; bytes < total; bytes += CHUNK.length) outgoing.write(CHUNK);
      outgoing.end();
      expect((await finish(await head)).text).toBe('all');
      expect(got.digest('hex')).toBe(slowDigest(total));
      await idle(relay.gateway);
    },
    60_000,
  );

  it('a service that takes a little of an upload at a time is no idle one', async () => {
    const got = createHash('sha256');
    await using relay = await relayToListener(
      (request, response) => void readSlowly(request, got).then(() => response.end('all')),
      { gateway: { ingress: { idleTimeoutMs: IDLE_MS } } },
    );
    const outgoing = start(relay.port, { method: 'POST', headers: { 'Content-Length': String(SLOW_TOTAL) } });
    const head = headOf(outgoing);
    for (let bytes = 0; bytes < SLOW_TOTAL; bytes += CHUNK.length) outgoing.write(CHUNK);
    outgoing.end();
    expect((await finish(await head)).text).toBe('all');
    expect(got.digest('hex')).toBe(slowDigest());
    await idle(relay.gateway);
  }, 60_000);

  it('a body that stands still for ingress.idleTimeoutMs is given up', async () => {
    await using relay = await relayToListener(
      (_request, response) => {
        response.write('first');
      },
      { gateway: { ingress: { idleTimeoutMs: 400 } } },
    );
    const outgoing = start(relay.port);
    const head = headOf(outgoing);
    outgoing.end();
    await expect(head.then(finish)).rejects.toThrow('aborted');
    await idle(relay.gateway);
  });
});
