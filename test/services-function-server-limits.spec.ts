import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '@berth/testing';
import { INVOKE_FN_PATH } from '../libs/services/src/wire/requests.js';
import { echo, portOf, startServer } from '../libs/services/testing/function-server.js';
import { closeOf, ended, framed, open, session, works } from '../libs/services/testing/h2-caller.js';
import { failureOf, OprcCaller } from '../libs/services/testing/oprc-caller.js';

const KIB = 1024;

/** Callers that keep to HTTP/2 and to nothing else. */
describe('what callers can cost a function server', () => {
  it('a request that does not arrive and a reply that is not taken are cut off after transferTimeoutMs', async () => {
    await using server = await startServer(echo, { transferTimeoutMs: 1000 });
    const port = portOf(server);
    await using stack = new AsyncDisposableStack();
    const stalled = open(stack.use(session(port)));
    stalled.write(framed({ payload: Buffer.alloc(KIB) }).subarray(0, 100));
    // Its windows are closed to all but 100 bytes.
    const deaf = open(stack.use(session(port, { settings: { initialWindowSize: 100 } })));
    deaf.end(framed({ payload: Buffer.alloc(64 * KIB) }));
    deaf.pause();
    const closed = closeOf(deaf);
    expect(await ended(stalled)).toBe('reset 8');
    deaf.pause();
    await closed;
    expect(deaf.rstCode).toBe(8);
    expect(await works(port)).toBe('OKAY');
  });

  it('streams beside invocations are few, and bring little', async () => {
    await using server = await startServer(echo, { maxConcurrentStreams: 2000 });
    const port = portOf(server);
    await using on = session(port);
    const watches = Array.from({ length: 300 }, () => open(on, '/grpc.health.v1.Health/Watch'));
    let refused = 0;
    for (const stream of watches) {
      void ended(stream).then((outcome) => {
        if (outcome === 'reset 11') refused += 1;
      });
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    }
    await eventually(() => refused === 300 - 192);
    expect(await works(port)).toBe('OKAY');
    // Others still learn how the server is.
    await using stack = new AsyncDisposableStack();
    const check = open(stack.use(session(port)), '/grpc.health.v1.Health/Check');
    check.end(Buffer.from([0, 0, 0, 0, 0]));
    expect(await ended(check)).toBe('status 0');
    for (const stream of watches) stream.close(8);
    const questions = await eventually(async () => {
      const stream = open(on, '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo');
      const listServices = Buffer.from([0, 0, 0, 0, 2, 0x3a, 0]);
      const outcome = ended(stream);
      stream.write(Buffer.concat(Array<Buffer>(20_000).fill(listServices)));
      return outcome;
    });
    expect(questions).toBe('reset 11');
  });

  it('streams that nobody serves, or that are no gRPC, are few too', async () => {
    await using server = await startServer(echo, {});
    const port = portOf(server);
    await using on = session(port);
    const nobody = Array.from({ length: 100 }, () => open(on, '/nobody/Serves'));
    const outcomes = await Promise.all(nobody.slice(64).map(ended));
    expect(new Set(outcomes)).toEqual(new Set(['reset 11']));
    const text = open(on, '/nobody/Serves', { 'content-type': 'text/plain' });
    expect(await ended(text)).toBe('reset 11');
    expect(await works(port)).toBe('OKAY');
  });

  it('a client that opens more streams than it was told loses them only', async () => {
    await using server = await startServer(() => new Promise(() => undefined), {
      maxConcurrentCalls: 1,
      maxQueuedCalls: 0,
    });
    const port = portOf(server);
    await using stack = new AsyncDisposableStack();
    const callers = Array.from({ length: 3 }, () => stack.adopt(new OprcCaller(port), (it) => it.close()));
    let refused = 0;
    for (const caller of callers) {
      for (let i = 0; i < 700; i += 1)
        void failureOf(caller.invokeFn({ clsId: 'a.B' })).then(({ status }) => {
          if (status === 'RESOURCE_EXHAUSTED') refused += 1;
        });
    }
    // One of them runs, and ends with its client.
    await eventually(() => refused === 2099, 15_000);
  });

  it('connections above maxConnections are closed at once', async () => {
    await using server = await startServer(echo, { maxConnections: 2 });
    const port = portOf(server);
    await using stack = new AsyncDisposableStack();
    const sockets = Array.from({ length: 3 }, () =>
      stack.adopt(connect(port, '127.0.0.1'), (it: Socket) => void it.destroy()),
    );
    let closed = 0;
    for (const socket of sockets) socket.on('error', () => undefined).on('close', () => (closed += 1));
    await eventually(() => closed === 1);
    sockets[0]?.destroy();
    sockets[1]?.destroy();
    await eventually(async () => (await works(port)) === 'OKAY');
  });

  it('headers above 16 KiB are refused, and harm nobody else', async () => {
    await using server = await startServer(echo, {});
    const port = portOf(server);
    await using on = session(port);
    // The server says so with its first answer, and a client may send more until then.
    const first = open(on);
    first.end(framed({}));
    expect(await ended(first)).toBe('status 0');
    const stream = open(on, INVOKE_FN_PATH, { large: 'x'.repeat(20 * KIB) });
    stream.end(framed({}));
    expect(await ended(stream)).not.toBe('status 0');
    expect(await works(port)).toBe('OKAY');
  });

  it('what is no HTTP/2 and what is no gRPC do not bring it down', async () => {
    await using server = await startServer(echo, {});
    const port = portOf(server);
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.end('GET / HTTP/1.1\r\n\r\n');
    await using on = session(port);
    const text = open(on, INVOKE_FN_PATH, { 'content-type': 'text/plain' });
    text.write('x');
    const answered = once(text, 'response') as Promise<[Record<string, unknown>]>;
    expect((await answered)[0][':status']).toBe(415);
    text.close();
    const bad = open(on, INVOKE_FN_PATH, { 'grpc-timeout': 'soon' });
    bad.end(framed({}));
    expect(await ended(bad)).toBe('status 13');
    expect(await works(port)).toBe('OKAY');
  });
});
