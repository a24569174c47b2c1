import { once } from 'node:events';
import { connect as http2Connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { silentLog } from '@berth/observability';
import { disposable, eventually } from '@berth/testing';
import type { InvocationHandler } from '../libs/services/src/invocation/invocation-handler.js';
import { FunctionServer } from '../libs/services/src/server/function-server.js';
import type { FunctionServerOptions } from '../libs/services/src/server/server-options.js';
import { INVOKE_FN_PATH } from '../libs/services/src/server/wire.js';
import { failureOf, FunctionRequest, OprcCaller } from '../libs/services/testing/oprc-caller.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A gRPC message with its five bytes before it, as it is or compressed. */
function framed(fields: Record<string, unknown>, compress = false): Buffer {
  const plain = Buffer.from(FunctionRequest.encode(FunctionRequest.create(fields)).finish());
  const message = compress ? gzipSync(plain) : plain;
  const head = Buffer.alloc(5);
  head.writeUInt8(compress ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Resolves when a stream is over, however it ended. */
function closeOf(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve);
  });
}

/** Callers that keep to HTTP/2 and to nothing else. */
describe('what callers can cost a function server', () => {
  const echo: InvocationHandler = (invocation) =>
    Promise.resolve({ status: 0, payload: invocation.payload, headers: {}, invocationId: invocation.id });
  const start = async (options: FunctionServerOptions, handler = echo): Promise<{ port: number } & AsyncDisposable> => {
    const server = new FunctionServer(handler, options, silentLog);
    await server.start({ port: 0 });
    return disposable({ port: server.info().port ?? 0 }, () => server.stop({ timeoutMs: 0 }));
  };
  const session = (port: number, options: object = {}): ClientHttp2Session & AsyncDisposable => {
    const it = disposable(http2Connect(`http://127.0.0.1:${port}`, options), (one) => one.destroy());
    return it.on('error', () => undefined);
  };
  const open = (
    on: ClientHttp2Session,
    path = INVOKE_FN_PATH,
    headers: Record<string, string> = {},
  ): ClientHttp2Stream => {
    const stream = on.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    return stream.on('error', () => undefined);
  };
  /** How a stream ended: its gRPC status, or the code of its reset. */
  const ended = async (stream: ClientHttp2Stream): Promise<string> => {
    let status = '';
    const note = (headers: Record<string, unknown>): void => {
      const said = headers['grpc-status'];
      if (typeof said === 'string' || typeof said === 'number') status = `status ${said}`;
    };
    stream.on('response', note).on('trailers', note).resume();
    await closeOf(stream);
    return status === '' ? `reset ${stream.rstCode}` : status;
  };
  const works = async (port: number): Promise<string> => {
    const caller = new OprcCaller(port);
    try {
      return (await caller.invokeFn({ clsId: 'a.B', fnId: 'm', payload: Buffer.from('x') })).status;
    } finally {
      caller.close();
    }
  };

  it('unfinished requests of many streams and connections stay below maxHeldBytes', async () => {
    await using setup = await start({ maxMessageBytes: MIB, maxHeldBytes: 4 * MIB });
    const { port } = setup;
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

  it('compressed requests count in full before they are unpacked', async () => {
    const held: (() => void)[] = [];
    await using setup = await start(
      { maxMessageBytes: MIB, maxHeldBytes: 2 * MIB + 64 * KIB },
      (invocation) =>
        new Promise((resolve) => held.push(() => resolve({ status: 0, headers: {}, invocationId: invocation.id }))),
    );
    const { port } = setup;
    await using on = session(port);
    const bomb = framed({ payload: Buffer.alloc(MIB - KIB) }, true);
    const send = (): Promise<string> => {
      const stream = open(on, INVOKE_FN_PATH, { 'grpc-encoding': 'gzip' });
      stream.end(bomb);
      return ended(stream);
    };
    const running = [send(), send()];
    await eventually(() => held.length === 2);
    expect(await send()).toBe('status 8');
    for (const end of held) end();
    expect(await Promise.all(running)).toEqual(['status 0', 'status 0']);
  });

  it('what a method still runs on stays counted when its caller has gone', async () => {
    const held: (() => void)[] = [];
    await using setup = await start(
      { maxMessageBytes: MIB, maxHeldBytes: MIB + 64 * KIB },
      (invocation) =>
        new Promise((resolve) => held.push(() => resolve({ status: 0, headers: {}, invocationId: invocation.id }))),
    );
    const { port } = setup;
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

  it('a request that does not arrive and a reply that is not taken are cut off after transferTimeoutMs', async () => {
    await using setup = await start({ transferTimeoutMs: 1000 });
    const { port } = setup;
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
    await using setup = await start({ maxConcurrentStreams: 2000 });
    const { port } = setup;
    await using on = session(port);
    const watches = Array.from({ length: 300 }, () => open(on, '/grpc.health.v1.Health/Watch'));
    let refused = 0;
    for (const stream of watches) {
      void ended(stream).then((outcome) => {
        if (outcome === 'status 8') refused += 1;
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

  it('a request in very small pieces costs what it holds', async () => {
    await using setup = await start({ maxMessageBytes: MIB, maxHeldBytes: 2 * MIB });
    const { port } = setup;
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
    await using setup = await start({ maxMessageBytes: MIB, maxHeldBytes: 4 * MIB }, ({ id }) => {
      runs += 1;
      return Promise.resolve({ status: 0, headers: {}, payload, invocationId: id });
    });
    const { port } = setup;
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

  it('a client that opens more streams than it was told loses them only', async () => {
    await using setup = await start({ maxConcurrentCalls: 1, maxQueuedCalls: 0 }, () => new Promise(() => undefined));
    const { port } = setup;
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
    await using setup = await start({ maxConnections: 2 });
    const { port } = setup;
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
    await using setup = await start({});
    const { port } = setup;
    await using on = session(port);
    // A client may send more until it has heard of the limit.
    await once(on, 'remoteSettings');
    const stream = open(on, INVOKE_FN_PATH, { large: 'x'.repeat(20 * KIB) });
    stream.end(framed({}));
    expect(await ended(stream)).not.toBe('status 0');
    expect(await works(port)).toBe('OKAY');
  });

  it('what is no HTTP/2 and what is no gRPC do not bring it down', async () => {
    await using setup = await start({});
    const { port } = setup;
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
