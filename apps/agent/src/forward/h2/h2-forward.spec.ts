import type { ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:net';
import { LimitedLog, silentLog } from '@berth/observability';
import { eventually, listening, type Listening } from '@berth/testing';
import { defaultAgentSettings } from '../../agent-settings.js';
import { Forwarder } from '../forwarder.js';
import { ExchangeRecorder } from '../../../testing/exchange-recorder.js';
import { answer, forwarding, over } from '../../../testing/h2-forwarding.js';

/** Answers the first stream when that has ended, and keeps type and flags of its frames. */
async function frameService(): Promise<Listening & { frames: string[] }> {
  const frames: string[] = [];
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0);
    let at = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.length;
    socket.write(Buffer.from('000000040000000000', 'hex'));
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= at + 9 && bytes.length >= at + 9 + bytes.readUIntBE(at, 3)) {
        const [type, flags, stream] = [bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), bytes.readUInt32BE(at + 5)];
        at += 9 + bytes.readUIntBE(at, 3);
        if (stream !== 1) continue;
        frames.push(`${type}/${flags}`);
        // HEADERS with `:status: 200` and END_STREAM.
        if ((flags & 1) !== 0) socket.write(Buffer.from('00000101050000000188', 'hex'));
      }
    });
  });
  return { ...(await listening(server)), frames };
}

describe('H2Forward', () => {
  it('what was refused undone is sent once more, a POST with its whole body too', async () => {
    const bodies: string[] = [];
    await using setup = await forwarding((stream) => {
      let body = '';
      stream.on('data', (chunk: Buffer) => (body += chunk.toString()));
      stream.on('end', () => {
        bodies.push(body);
        if (bodies.length === 1) stream.close(7);
        else answer(stream, {}, []);
      });
    });
    expect(await over(setup.ask({ method: 'POST' }, 'abc'))).toEqual(['head 200', 'end']);
    expect(bodies).toEqual(['abc', 'abc']);
  });

  it('what is refused undone again is refused as that', async () => {
    let tries = 0;
    await using setup = await forwarding((stream) => {
      tries += 1;
      stream.close(7);
    });
    expect(await over(setup.ask())).toEqual([expect.stringMatching(/^reset: it left the request undone/)]);
    expect(tries).toBe(2);
  });

  it.each([
    ['a GET on a connection that breaks is sent once more', 'GET', 2],
    ['a POST is not: it may have been done', 'POST', 1],
  ])('%s', async (_name, method, expected) => {
    let tries = 0;
    await using setup = await forwarding((stream) => {
      tries += 1;
      if (tries === 1) stream.session?.socket.destroy();
      else answer(stream, {}, []);
    });
    const calls = await over(setup.ask({ method }));
    expect(tries).toBe(expected);
    expect(calls.at(-1)).toMatch(method === 'GET' ? /^end$/ : /^reset: it closed the connection/);
  });

  it('GOAWAY: what runs goes on, and the next exchange gets a new connection', async () => {
    const held: ServerHttp2Stream[] = [];
    await using setup = await forwarding((stream, headers) => {
      if (headers[':path'] === '/held') held.push(stream);
      else answer(stream, {}, []);
    });
    const first = setup.ask({ target: '/held' });
    await eventually(() => held.length === 1);
    setup.service.sessions[0]?.goaway(0);
    setup.service.sessions[0]?.close();
    expect(await over(setup.ask())).toEqual(['head 200', 'end']);
    expect(setup.service.sessions.length).toBe(2);
    for (const stream of held) answer(stream, {}, []);
    expect(await over(first)).toEqual(['head 200', 'end']);
  });

  it('a client that stands still stops the service, and delays no other', async () => {
    let written = 0;
    await using setup = await forwarding((stream, headers) => {
      if (headers[':path'] !== '/long') {
        answer(stream, {}, []);
        return;
      }
      stream.respond({ ':status': 200 });
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        if (!stream.destroyed) stream.write(chunk, more);
        written += chunk.length;
      };
      more();
    });
    const slow = setup.ask({ target: '/long' });
    slow.hasRoom = false;
    await eventually(() => slow.calls.length > 1);
    for (let i = 0; i < 20; i += 1) expect(await over(setup.ask())).toEqual(['head 200', 'end']);
    expect(written).toBeLessThan(1_000_000);
    slow.hasRoom = true;
    slow.sink.writable();
    await eventually(() => written > 4_000_000);
    slow.sink.failed({ code: 1, message: '' });
  });

  it('a service that does not read has its window, and what is beyond counts as not taken', async () => {
    const held: ServerHttp2Stream[] = [];
    await using setup = await forwarding((stream, headers) => {
      if (headers[':path'] === '/other') answer(stream, headers, []);
      else held.push(stream.pause());
    });
    const recorder = new ExchangeRecorder({ method: 'POST', body: true });
    const sink = setup.forwarder.forward(recorder.exchange);
    await eventually(() => held.length === 1);
    const chunk = Buffer.alloc(32 * 1024);
    for (let i = 0; i < 64; i += 1) sink.data(chunk);
    // What the service's window takes has left by then.
    for (let i = 0; i < 20; i += 1) expect(await over(setup.ask({ target: '/other' }))).toEqual(['head 200', 'end']);
    expect(recorder.consumedBytes).toBeLessThan(1_000_000);
    sink.end(undefined);
    for (const stream of held) {
      stream.resume();
      answer(stream, {}, []);
    }
    await eventually(() => recorder.consumedBytes === 64 * chunk.length);
  });

  it('a thousand exchanges that are broken off cost none that runs beside them', async () => {
    const held: ServerHttp2Stream[] = [];
    let left = 0;
    await using setup = await forwarding((stream, headers) => {
      if (headers[':path'] === '/stays') held.push(stream);
      else left += 1;
    });
    const stays = setup.ask({ target: '/stays' });
    await eventually(() => held.length === 1);
    for (let round = 0; round < 30; round += 1) {
      const leaving = Array.from({ length: 50 }, () => setup.ask({ target: '/leaves' }));
      await eventually(() => left === (round + 1) * 50);
      for (const { sink } of leaving) sink.failed({ code: 1, message: '' });
    }
    for (const stream of held) answer(stream, {}, []);
    expect(await over(stays)).toEqual(['head 200', 'end']);
    expect(setup.service.sessions.length).toBeGreaterThan(2);
  });

  it('an answer of nothing but its head leaves with its end at once', async () => {
    await using setup = await forwarding((stream) => {
      stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true });
    });
    const recorder = setup.ask({ method: 'POST' }, 'x');
    await eventually(() => recorder.calls.length > 0);
    // One batch of the tunnel takes both.
    expect(recorder.calls).toEqual(['head 200', 'end']);
  });

  it.each([
    ['has its end in its last frame where no trailers follow', undefined, ['1/4', '0/1']],
    ['is followed by trailers where there are some', ['x-sum', '7'], ['1/4', '0/0', '1/5']],
  ])('a body that is there whole %s', async (_name, trailers, frames) => {
    await using service = await frameService();
    await using stack = new AsyncDisposableStack();
    const settings = defaultAgentSettings({ target: `h2c://127.0.0.1:${service.port}`, id: 'a' });
    const forwarder = new Forwarder(settings, new LimitedLog(silentLog));
    stack.defer(() => {
      void forwarder.close();
    });
    const recorder = new ExchangeRecorder({ method: 'POST', body: true });
    const sink = forwarder.forward(recorder.exchange);
    sink.data(Buffer.from('abc'));
    sink.end(trailers);
    expect(await over(recorder)).toEqual(['head 200', 'end']);
    expect(service.frames).toEqual(frames);
  });

  it('a response head above local.maxHeaderBytes is a failure', async () => {
    await using setup = await forwarding(
      (stream) => {
        stream.respond({ ':status': 200, 'x-long': 'x'.repeat(9000) });
        stream.end();
      },
      { maxHeaderBytes: 4096 },
    );
    expect(await over(setup.ask())).toEqual([expect.stringMatching(/^reset: (its head has|it reset)/)]);
    expect(await over(setup.ask())).toEqual([expect.stringMatching(/^reset: (its head has|it reset)/)]);
  });

  it.each([
    ['local.responseTimeoutMs', { responseTimeoutMs: 50 }, (): void => undefined],
    [
      'local.idleTimeoutMs',
      { idleTimeoutMs: 50 },
      (stream: ServerHttp2Stream): void => {
        stream.respond({ ':status': 200 });
        stream.write('x');
      },
    ],
  ])('%s ends an exchange whose service is silent', async (name, local, listener) => {
    await using setup = await forwarding(listener, local);
    expect((await over(setup.ask())).at(-1)).toContain(`(${name})`);
  });

  it.each([
    ['a name', { headers: ['Host', 'a', 'bad name', 'x'] }, /valid HTTP token/],
    ['a value', { headers: ['Host', 'a', 'b', 'x\0y'] }, /the value of b has a character/],
    ['a path', { target: '/a\nb' }, /the request line has a character/],
    ['no path', { target: 'a:1' }, /a target without a path/],
  ])('a head that HTTP/2 cannot carry fails alone: %s', async (_name, open, message) => {
    await using setup = await forwarding(answer);
    expect(await over(setup.ask(open))).toEqual([expect.stringMatching(message)]);
    expect(await over(setup.ask())).toEqual(['head 200', 'end']);
  });

  it('trailers that HTTP/2 cannot carry fail their exchange alone', async () => {
    await using setup = await forwarding((stream) => stream.resume());
    const recorder = new ExchangeRecorder({ method: 'POST', body: true });
    const sink = setup.forwarder.forward(recorder.exchange);
    sink.data(Buffer.from('x'));
    sink.end(['bad name', 'x']);
    expect(await over(recorder)).toEqual([expect.stringMatching(/^reset: .*valid HTTP token/)]);
  });
});
