import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectH2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { listening } from '@berth/testing';
import { headOf, type Relay, relayTo, relayToListener, start } from '@berth/testing/system';

/** Bytes per second. */
const RATE = 500_000;
const BODY = randomBytes(500_000);
const SUM = sha256(BODY);

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What came, and when. */
class Arrivals {
  startedAt = performance.now();
  private readonly chunks: Buffer[] = [];
  private readonly times: number[] = [];

  readonly add = (bytes: Buffer): void => {
    this.chunks.push(bytes);
    this.times.push(performance.now());
  };

  get bytes(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0);
  }

  get sum(): string {
    return sha256(Buffer.concat(this.chunks));
  }

  /** Asserts that they came no faster than allowed, and not in heaps; how slowly is the machine's business. */
  expectShaped(): void {
    let total = 0;
    let within = 0;
    let first = 0;
    this.chunks.forEach(({ length }, i) => {
      const at = this.times[i] ?? 0;
      total += length;
      within += length;
      for (; (this.times[first] ?? at) <= at - 100; first += 1) within -= this.chunks[first]?.length ?? 0;
      // 50 ms of the rate may pass at once after a pause.
      expect(total).toBeLessThanOrEqual((RATE * (at - this.startedAt + 55)) / 1000);
      // Twice as much as in 100 ms, and what a machine that stood still let pile up before.
      expect(within).toBeLessThanOrEqual(0.25 * RATE);
    });
  }
}

async function arrivalsOf(response: IncomingMessage, arrivals: Arrivals): Promise<Arrivals> {
  response.on('data', arrivals.add);
  if (!response.readableEnded) await once(response, 'end');
  return arrivals;
}

/** Gives {@link BODY}; of what it gets it says the sum. @param uploaded takes what clients send */
const shaped = (bandwidth: object, uploaded = new Arrivals()): Promise<Relay> =>
  relayToListener(
    (request, response) => {
      if (request.method !== 'POST') {
        response.setHeader('Trailer', 'X-Sum');
        response.write(BODY);
        response.addTrailers({ 'X-Sum': SUM });
        response.end();
        return;
      }
      request.on('data', uploaded.add);
      request.on('end', () => response.end(uploaded.sum));
    },
    { gateway: { policies: { '*': { bandwidth } }, ingress: { http2: { clear: true } } } },
  );

async function download(port: number): Promise<Arrivals> {
  const arrivals = new Arrivals();
  const request = start(port).end();
  return arrivalsOf(await headOf(request), arrivals);
}

describe('bandwidth of a port', () => {
  it('a download is whole, with its trailers, and smooth', async () => {
    await using relay = await shaped({ toClients: RATE });
    const arrivals = new Arrivals();
    const response = await headOf(start(relay.port).end());
    await arrivalsOf(response, arrivals);
    arrivals.expectShaped();
    expect([arrivals.sum, response.trailers['x-sum']]).toEqual([SUM, SUM]);
  });

  it('so it is over HTTP/2', async () => {
    await using relay = await shaped({ toClients: RATE });
    const client = connectH2(`http://127.0.0.1:${relay.port}`);
    const arrivals = new Arrivals();
    const stream = client.request({ ':path': '/' });
    stream.on('data', arrivals.add);
    await once(stream, 'end');
    client.destroy();
    arrivals.expectShaped();
    expect(arrivals.sum).toBe(SUM);
  });

  it('so is an upload, whose client sends no faster than bytes pass', async () => {
    const uploaded = new Arrivals();
    await using relay = await shaped({ fromClients: RATE }, uploaded);
    // Not from when the service sees it: by then bytes have passed.
    uploaded.startedAt = performance.now();
    const request = start(relay.port, { method: 'POST', headers: { 'Content-Length': String(BODY.length) } });
    request.end(BODY);
    const response = await headOf(request);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect([response.statusCode, Buffer.concat(chunks).toString()]).toEqual([200, SUM]);
    uploaded.expectShaped();
  });

  it('clients share it alike', async () => {
    await using relay = await shaped({ toClients: RATE });
    const startedAt = performance.now();
    const both = [new Arrivals(), new Arrivals()] as const;
    const responses = await Promise.all(both.map(() => headOf(start(relay.port).end())));
    const ends = responses.map((response, i) => arrivalsOf(response, both[i] as Arrivals));
    await Promise.race(ends);
    const [less = 0, more = 0] = both.map(({ bytes }) => bytes).sort((a, b) => a - b);
    expect([more, less > 0.8 * more]).toEqual([BODY.length, true]);
    await Promise.all(ends);
    expect(performance.now() - startedAt + 55).toBeGreaterThan((2 * BODY.length * 1000) / RATE);
    expect(both.map(({ sum }) => sum)).toEqual([SUM, SUM]);
  });

  it('a client that leaves gives its part to the others, and new ones come through', async () => {
    await using relay = await shaped({ toClients: RATE });
    for (let i = 0; i < 50; i += 1) {
      const request = start(relay.port).end();
      const response = await headOf(request);
      response.on('error', () => undefined);
      await once(response, 'data');
      request.destroy();
    }
    const arrivals = await download(relay.port);
    expect(arrivals.sum).toBe(SUM);
  });

  it('a TCP port has it both ways, and halves end in order behind their bytes', async () => {
    const got = new Arrivals();
    let arrivals: Arrivals | undefined;
    await using service = await listening(
      createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('data', got.add);
        socket.on('end', () => {
          arrivals = new Arrivals();
          socket.end(BODY);
        });
      }),
    );
    await using relay = await relayTo(`tcp://127.0.0.1:${service.port}`, {
      gateway: { policies: { '*': { bandwidth: { toClients: RATE, fromClients: RATE } } } },
    });
    const socket = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('data', (bytes: Buffer) => arrivals?.add(bytes));
    socket.end(BODY);
    await once(socket, 'end');
    got.expectShaped();
    expect(got.sum).toBe(SUM);
    arrivals?.expectShaped();
    expect(arrivals?.sum).toBe(SUM);
  });

  it('what a client of a TCP port sent last arrives when it has gone', async () => {
    const got = new Arrivals();
    await using service = await listening(
      createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('data', got.add);
        // It says at once that it has nothing to say.
        socket.end();
      }),
    );
    await using relay = await relayTo(`tcp://127.0.0.1:${service.port}`, {
      gateway: { policies: { '*': { bandwidth: { fromClients: RATE } } } },
    });
    const served = once(service.server, 'connection');
    const socket = connect({ port: relay.port, host: '127.0.0.1' });
    socket.on('error', () => undefined).resume();
    socket.end(BODY);
    const [peer] = (await served) as [Socket];
    if (!peer.readableEnded) await once(peer, 'end');
    expect(got.sum).toBe(SUM);
  });
});
