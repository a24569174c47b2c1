import type { ClientHttp2Stream } from 'node:http2';
import { eventually } from '@berth/testing';
import { INVOKE_FN_PATH } from '../libs/services/src/wire/requests.js';
import { echo, portOf, startServer } from '../libs/services/testing/function-server.js';
import { closeOf, ended, framed, open, session, works } from '../libs/services/testing/h2-caller.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Callers that keep to HTTP/2 and to nothing else. */
describe('what callers can cost a function server', () => {
  it('unfinished requests of many streams and connections stay below maxHeldBytes', async () => {
    await using server = await startServer(echo, { maxMessageBytes: MIB, maxHeldBytes: 4 * MIB });
    const port = portOf(server);
    const outcomes: string[] = [];
    const streams: ClientHttp2Stream[] = [];
    const unfinished = framed({ payload: Buffer.alloc(MIB - KIB) }).subarray(0, MIB / 2);
    await using stack = new AsyncDisposableStack();
    for (const on of [stack.use(session(port)), stack.use(session(port))]) {
      for (let i = 0; i < 8; i += 1) {
        const stream = open(on);
        void ended(stream).then((outcome) => outcomes.push(outcome));
        stream.write(unfinished);
        streams.push(stream);
      }
    }
    // 16 halves of a MiB were sent, 8 fit; 11 is ENHANCE_YOUR_CALM.
    await eventually(() => outcomes.length >= 7);
    expect(new Set(outcomes)).toEqual(new Set(['reset 11']));
    expect(outcomes.length).toBeLessThanOrEqual(10);
    for (const stream of streams) stream.close();
    await eventually(async () => (await works(port)) === 'OKAY');
  });

  it('servers of one process count each for itself', async () => {
    const limits = { maxMessageBytes: MIB, maxHeldBytes: MIB };
    await using full = await startServer(echo, limits);
    await using other = await startServer(echo, limits);
    await using stack = new AsyncDisposableStack();
    const message = framed({ payload: Buffer.alloc(MIB - KIB) });
    const stalled = open(stack.use(session(portOf(full))));
    await new Promise((resolve) => stalled.write(message.subarray(0, MIB - 64 * KIB), resolve));
    const outcome = (port: number): Promise<string> => {
      const stream = open(stack.use(session(port)));
      stream.end(message);
      return ended(stream);
    };
    await eventually(async () => (await outcome(portOf(full))) === 'reset 11');
    expect(await outcome(portOf(other))).toBe('status 0');
  });

  it('compressed requests count in full before they are unpacked', async () => {
    const held: (() => void)[] = [];
    await using server = await startServer(
      (invocation) =>
        new Promise((resolve) => held.push(() => resolve({ status: 0, headers: {}, invocationId: invocation.id }))),
      { maxMessageBytes: MIB, maxHeldBytes: 2 * MIB + 64 * KIB },
    );
    const port = portOf(server);
    await using on = session(port);
    const bomb = framed({ payload: Buffer.alloc(MIB - KIB) }, true);
    const send = (): Promise<string> => {
      const stream = open(on, INVOKE_FN_PATH, { 'grpc-encoding': 'gzip' });
      stream.end(bomb);
      return ended(stream);
    };
    const running = [send(), send()];
    await eventually(() => held.length === 2);
    expect(await send()).toBe('reset 11');
    for (const end of held) end();
    expect(await Promise.all(running)).toEqual(['status 0', 'status 0']);
  });

  it('what a method still runs on stays counted when its caller has gone', async () => {
    const held: (() => void)[] = [];
    await using server = await startServer(
      (invocation) =>
        new Promise((resolve) => held.push(() => resolve({ status: 0, headers: {}, invocationId: invocation.id }))),
      { maxMessageBytes: MIB, maxHeldBytes: MIB + 64 * KIB },
    );
    const port = portOf(server);
    await using on = session(port);
    const large = framed({ payload: Buffer.alloc(MIB - KIB) });
    const first = open(on);
    first.end(large);
    await eventually(() => held.length === 1);
    first.close(8);
    await closeOf(first);
    const second = open(on);
    second.end(large);
    expect(await ended(second)).toBe('reset 11');
    held[0]?.();
    const third = await eventually(async () => {
      const stream = open(on);
      stream.end(large);
      const outcome = await Promise.race([ended(stream), eventually(() => held.length === 2 && 'runs')]);
      return outcome === 'runs' ? stream : undefined;
    });
    held[1]?.();
    expect(await ended(third)).toBe('status 0');
  });

  it('a request in very small pieces costs what it holds', async () => {
    await using server = await startServer(echo, { maxMessageBytes: MIB, maxHeldBytes: 2 * MIB });
    const port = portOf(server);
    await using stack = new AsyncDisposableStack();
    const stream = open(stack.use(session(port)));
    const outcome = ended(stream);
    const bytes = framed({ payload: Buffer.alloc(KIB) });
    let sent = 0;
    while (sent < bytes.length && !stream.closed && !stream.destroyed) {
      const from = sent;
      sent += 1;
      await new Promise((resolve) => stream.write(bytes.subarray(from, sent), resolve));
    }
    expect(await outcome).toBe('reset 11');
    expect(sent).toBeLessThan(KIB);
    expect(await works(port)).toBe('OKAY');
  });

  it('replies that nobody takes are bounded together: what does not fit is refused, and its caller knows that it ran', async () => {
    let runs = 0;
    const payload = Buffer.alloc(MIB - KIB);
    await using server = await startServer(
      ({ id }) => {
        runs += 1;
        return Promise.resolve({ status: 0, headers: {}, payload, invocationId: id });
      },
      { maxMessageBytes: MIB, maxHeldBytes: 4 * MIB },
    );
    const port = portOf(server);
    await using stack = new AsyncDisposableStack();
    const deaf = Array.from({ length: 8 }, () =>
      open(stack.use(session(port, { settings: { initialWindowSize: 0 } }))),
    );
    const outcomes = deaf.map((stream) => {
      stream.end(framed({ payload: Buffer.alloc(10) }));
      return ended(stream);
    });
    const refused = await Promise.race(outcomes);
    expect(refused).toBe('status 8');
    await eventually(() => runs === 8);
    for (const stream of deaf) stream.close(8);
    await Promise.all(outcomes);
    expect(await works(port)).toBe('OKAY');
  });
});
