import { promisify } from 'node:util';
import { type handleUnaryCall, Server as GrpcServer, ServerCredentials, status as Grpc } from '@grpc/grpc-js';
import { jest } from '@jest/globals';
import { silentLog } from '@berth/observability';
import { eventually, tcpRelay } from '@berth/testing';
import { textReply } from '../../testing/oprc-caller.js';
import { ServicesError } from '../errors.js';
import type { Delivery, Invocation, InvocationReply } from '../invocation/invocation.js';
import { FunctionServer } from '../server/function-server.js';
import type { FunctionServerOptions } from '../server/server-options.js';
import { INVOKE_FN_PATH, passBuffer } from '../wire/requests.js';
import { GrpcTransport } from './grpc-transport.js';
import type { GrpcTransportOptions } from './grpc-transport-options.js';
import { steadyNow } from '../runtime/clock.js';

const call = (fields: Partial<Invocation> = {}): Invocation => ({
  id: '',
  service: 'a.B',
  method: 'm',
  partition: 0,
  payload: Buffer.alloc(0),
  options: {},
  ...fields,
});
const ONCE: { delivery: Delivery } = { delivery: 'at-most-once' };
const SURELY: { delivery: Delivery } = { delivery: 'at-least-once' };

async function failureOf(reply: Promise<unknown>): Promise<ServicesError> {
  try {
    await reply;
  } catch (thrown) {
    if (thrown instanceof ServicesError) return thrown;
    throw thrown;
  }
  throw new Error('it did not fail');
}

describe('GrpcTransport', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  let seen: Invocation[] = [];
  let ends: (() => void)[] = [];
  beforeEach(() => {
    seen = [];
    ends = [];
  });
  /** Method `hold` waits for the test, `large` makes a large reply, all others answer at once. */
  const handler = (invocation: Invocation): Promise<InvocationReply> => {
    seen.push(invocation);
    if (invocation.method === 'large') return Promise.resolve(textReply(invocation, 'x'.repeat(100_000)));
    if (invocation.method !== 'hold') return Promise.resolve(textReply(invocation, 'hello'));
    return new Promise((resolve) => {
      ends.push(() => resolve(textReply(invocation, 'ended')));
    });
  };
  const server = async (options: FunctionServerOptions = {}): Promise<{ server: FunctionServer; port: number }> => {
    const it = new FunctionServer(handler, options, silentLog);
    await it.start({ port: 0 });
    closers.push(() => (it.isRunning() ? it.stop({ timeoutMs: 0 }) : undefined));
    return { server: it, port: it.info().port ?? 0 };
  };
  const transport = (port: number, options: Partial<GrpcTransportOptions> = {}): GrpcTransport => {
    const it = new GrpcTransport({ address: `127.0.0.1:${port}`, ...options });
    closers.push(() => it.close());
    return it;
  };
  /** Nothing listens there. */
  const deadPort = async (): Promise<number> => {
    const it = await server();
    await it.server.stop();
    return it.port;
  };

  it('B13: carries a call there and its reply back', async () => {
    const client = transport((await server()).port);
    const payload = Buffer.from('{"x":1}');
    const reply = await client.invoke(
      call({ objectId: '18446744073709551615', partition: 7, payload, options: { a: 'b' } }),
      ONCE,
    );
    expect(Buffer.from(reply.payload ?? []).toString()).toBe('hello');
    expect(reply.status).toBe(0);
    expect(seen[0]).toMatchObject({ objectId: '18446744073709551615', partition: 7, payload });
    expect(reply.invocationId).toBe(seen[0]?.id);
  });

  it('a reply that is not OKAY is returned', async () => {
    const client = transport((await server()).port);
    expect((await client.invoke(call({ objectId: 'a/b' }), ONCE)).status).toBe(1);
  });

  it('the deadline is passed on, and TIMEOUT is what comes of it', async () => {
    const client = transport((await server()).port);
    const deadline = Date.now() + 300;
    expect(await failureOf(client.invoke(call({ method: 'hold', deadline }), ONCE))).toMatchObject({
      code: 'BERTH_SERVICE_TIMEOUT',
    });
    expect(Math.abs((seen[0]?.deadline ?? 0) - deadline)).toBeLessThan(100);
    const over = client.invoke(call({ deadline: steadyNow() - 1 }), ONCE);
    expect((await failureOf(over)).code).toBe('BERTH_SERVICE_TIMEOUT');
    expect(seen).toHaveLength(1);
  });

  it('an aborted signal cancels the call, also before it is sent', async () => {
    const client = transport((await server()).port);
    const stop = new AbortController();
    const failure = failureOf(client.invoke(call({ method: 'hold' }), { ...ONCE, signal: stop.signal }));
    await eventually(() => seen.length === 1);
    stop.abort();
    expect((await failure).code).toBe('BERTH_SERVICE_CANCELLED');
    const late = client.invoke(call(), { ...ONCE, signal: stop.signal });
    expect((await failureOf(late)).code).toBe('BERTH_SERVICE_CANCELLED');
    expect(seen).toHaveLength(1);
  });

  it('a message above a limit is PAYLOAD_TOO_LARGE on either side and either way', async () => {
    const { port } = await server({ maxMessageBytes: 200_000 });
    const payload = (length: number): Invocation => call({ payload: Buffer.alloc(length) });
    const small = transport(port, { maxMessageBytes: 50_000 });
    const large = transport(port);
    const codes = [
      small.invoke(payload(50_001), ONCE),
      small.invoke(call({ method: 'large' }), ONCE),
      large.invoke(payload(200_001), ONCE),
    ].map(async (reply) => (await failureOf(reply)).code);
    expect(new Set(await Promise.all(codes))).toEqual(new Set(['BERTH_SERVICE_PAYLOAD_TOO_LARGE']));
    expect((await large.invoke(payload(100), ONCE)).status).toBe(0);
  });

  it('a full server is BUSY', async () => {
    const { port } = await server({ maxConcurrentCalls: 1, maxQueuedCalls: 0 });
    const client = transport(port);
    const running = client.invoke(call({ method: 'hold' }), ONCE);
    await eventually(() => seen.length === 1);
    expect((await failureOf(client.invoke(call(), ONCE))).code).toBe('BERTH_SERVICE_BUSY');
    const waits = client.invoke(call({ idempotencyKey: 'k' }), SURELY);
    ends[0]?.();
    expect((await running).status).toBe(0);
    expect((await waits).status).toBe(0);
  });

  it('at least once with a key: the pauses between attempts leave none of its time unused', async () => {
    const { port } = await server({ maxConcurrentCalls: 1, maxQueuedCalls: 0 });
    const client = transport(port);
    const running = client.invoke(call({ method: 'hold' }), ONCE);
    await eventually(() => seen.length === 1);
    // The longest pauses: 50, 100, 200, 400 and 800 ms, and the next one would last longer than the call may.
    const random = jest.spyOn(Math, 'random').mockReturnValue(1);
    closers.push(() => random.mockRestore());
    const waits = client.invoke(call({ idempotencyKey: 'k', deadline: steadyNow() + 3000 }), SURELY);
    setTimeout(() => ends[0]?.(), 1700);
    expect((await waits).status).toBe(0);
    expect((await running).status).toBe(0);
  });

  it('no server is UNREACHABLE, at once', async () => {
    const client = transport(await deadPort());
    const began = Date.now();
    const failure = await failureOf(client.invoke(call({ deadline: began + 10_000 }), ONCE));
    expect(failure.code).toBe('BERTH_SERVICE_UNREACHABLE');
    // grpc-js adds what its resolver noted, which is nothing for an address.
    expect(failure.message).toMatch(/^cannot reach 127\.0\.0\.1:.*ECONNREFUSED 127\.0\.0\.1:[0-9]+$/);
    expect(Date.now() - began).toBeLessThan(5000);
  });

  it('a name that does not resolve is UNREACHABLE', async () => {
    const client = transport(1, { address: 'nobody.invalid:80' });
    expect((await failureOf(client.invoke(call(), ONCE))).code).toBe('BERTH_SERVICE_UNREACHABLE');
  });

  it('a connection lost while the call runs is OUTCOME_UNKNOWN, and it is not sent again', async () => {
    await using between = await tcpRelay((await server()).port);
    const client = transport(between.port);
    const failure = failureOf(client.invoke(call({ method: 'hold' }), ONCE));
    await eventually(() => seen.length === 1);
    between.cut();
    expect((await failure).code).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    // Delivered at least once, but nothing would tell the second from the first.
    const keyless = failureOf(client.invoke(call({ method: 'hold' }), SURELY));
    await eventually(() => seen.length === 2);
    between.cut();
    expect((await keyless).code).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(seen).toHaveLength(2);
  });

  it('at least once with a key: it is sent again after a lost connection', async () => {
    await using between = await tcpRelay((await server()).port);
    const client = transport(between.port);
    const reply = client.invoke(call({ method: 'hold', idempotencyKey: 'k' }), SURELY);
    for (let i = 1; i <= 3; i += 1) {
      await eventually(() => seen.length === i);
      if (i < 3) between.cut();
    }
    for (const end of ends) end();
    expect((await reply).status).toBe(0);
    expect(seen.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['k', 'k', 'k']);
  });

  it('at least once with a key: one that may have run is not said never to have run, whatever comes then', async () => {
    const answers = [
      [Grpc.UNAVAILABLE, 'gone'],
      [Grpc.PERMISSION_DENIED, 'not you'],
    ] as const;
    const other = new GrpcServer();
    let attempts = 0;
    const refuse: handleUnaryCall<Buffer, Buffer> = (_request, done) => {
      const [code, details] = answers[attempts % 2] as (typeof answers)[number];
      attempts += 1;
      done({ code, details });
    };
    const method = {
      path: INVOKE_FN_PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: passBuffer,
      requestDeserialize: passBuffer,
      responseSerialize: passBuffer,
      responseDeserialize: passBuffer,
    } as const;
    other.addService({ invoke: method }, { invoke: refuse });
    closers.push(() => other.forceShutdown());
    const bind = promisify(other.bindAsync.bind(other));
    const port = await bind('127.0.0.1:0', ServerCredentials.createInsecure());
    const failure = await failureOf(transport(port).invoke(call({ idempotencyKey: 'k' }), SURELY));
    expect(attempts).toBe(2);
    expect(failure).toMatchObject({ code: 'BERTH_SERVICE_OUTCOME_UNKNOWN', details: { attempts: 2 } });
    expect(failure.message).toContain('not you');
  });

  it('at least once with a key: it waits for a server that comes back, until the deadline', async () => {
    const { server: it, port } = await server();
    await it.stop();
    const client = transport(port);
    const reply = client.invoke(call({ idempotencyKey: 'k', deadline: Date.now() + 15_000 }), SURELY);
    // On a busy machine a deadline may pass before it is known that nobody is there.
    let givenUp: ServicesError | undefined;
    for (let ms = 300; givenUp === undefined || givenUp.code === 'BERTH_SERVICE_TIMEOUT'; ms *= 2)
      givenUp = await failureOf(client.invoke(call({ idempotencyKey: 'l', deadline: Date.now() + ms }), SURELY));
    expect(givenUp).toMatchObject({
      code: 'BERTH_SERVICE_UNREACHABLE',
      details: { last: 'BERTH_SERVICE_UNREACHABLE' },
    });
    await it.start({ port });
    expect((await reply).status).toBe(0);
  });

  it('a server that stops: what ran is OUTCOME_UNKNOWN, what waited is UNREACHABLE', async () => {
    const { server: it, port } = await server({ maxConcurrentCalls: 1 });
    const client = transport(port);
    const running = failureOf(client.invoke(call({ method: 'hold' }), ONCE));
    await eventually(() => seen.length === 1);
    const waiting = failureOf(client.invoke(call(), ONCE));
    // It is answered, so the one before it waits.
    await client.invoke(call({ objectId: 'a/b' }), ONCE);
    await it.stop({ timeoutMs: 0 });
    expect((await running).code).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect((await waiting).code).toBe('BERTH_SERVICE_UNREACHABLE');
  });

  it('restarts under load: each call is answered, or told that it did not run', async () => {
    const { server: it, port } = await server();
    const client = transport(port);
    const codes = new Map<string, number>();
    let answered = 0;
    let going = true;
    const load = Array.from({ length: 16 }, async () => {
      while (going) {
        try {
          await client.invoke(call(), ONCE);
          answered += 1;
        } catch (thrown) {
          const code = (thrown as ServicesError).code;
          codes.set(code, (codes.get(code) ?? 0) + 1);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    });
    for (let i = 0; i < 5; i += 1) {
      const before = answered;
      await eventually(() => answered > before + 50);
      await it.restart();
    }
    going = false;
    await Promise.all(load);
    expect([...codes.keys()].filter((code) => code !== 'BERTH_SERVICE_UNREACHABLE')).toEqual([]);
    expect(seen).toHaveLength(answered);
  });

  it('close cancels what waits, and what comes after it', async () => {
    const client = transport((await server()).port);
    const waiting = failureOf(client.invoke(call({ method: 'hold' }), ONCE));
    const pausing = failureOf(transport(await deadPort()).invoke(call({ idempotencyKey: 'k' }), SURELY));
    await eventually(() => seen.length === 1);
    for (const close of closers.splice(1)) await close();
    expect((await waiting).code).toBe('BERTH_SERVICE_CANCELLED');
    expect((await pausing).code).toBe('BERTH_SERVICE_CANCELLED');
    expect((await failureOf(client.invoke(call(), ONCE))).code).toBe('BERTH_SERVICE_CANCELLED');
  });

  it.each([
    [{ address: 'localhost' }, 'address is "localhost": it must be host:port'],
    [{ address: 'http://x:1' }, 'address is'],
    [{ address: 'x:0' }, 'address is'],
    [{ maxMessageBytes: 1 }, 'maxMessageBytes is 1'],
    [{ tls: { caFile: '/nowhere/ca.pem' } }, 'tls.caFile: cannot read /nowhere/ca.pem'],
    [{ tls: { caFile: '/dev/null' } }, 'tls.caFile: /dev/null is no certificate in PEM form'],
    [{ tls: { caFile: '' } }, 'tls.caFile is empty'],
    [{ tls: { certFile: '/nowhere/c.pem' } }, 'tls.certFile and tls.keyFile belong together'],
  ])('refuses options: %j', (options, message) => {
    expect(() => new GrpcTransport({ address: 'localhost:1', ...options })).toThrow(message);
  });
});
