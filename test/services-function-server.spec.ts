import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as http2Connect } from 'node:http2';
import { connect } from 'node:net';
import { type ChannelCredentials, type Client, credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import { silentLog } from '@berth/observability';
import { disposable, eventually } from '@berth/testing';
import { TestCa } from '@berth/testing/system';
import type { Invocation, InvocationReply } from '../libs/services/src/invocation/invocation.js';
import type { InvocationHandler } from '../libs/services/src/invocation/invocation-handler.js';
import { FunctionServer } from '../libs/services/src/server/function-server.js';
import type { FunctionServerOptions } from '../libs/services/src/server/server-options.js';
import { INVOKE_FN_PATH, passBuffer } from '../libs/services/src/server/wire.js';
import { failureOf, FunctionRequest, OprcCaller, textReply } from '../libs/services/testing/oprc-caller.js';

/** A handler whose calls end when the test says so. */
class Held {
  readonly calls: { invocation: Invocation; signal: () => AbortSignal; end: (text?: string) => void }[] = [];

  readonly handler: InvocationHandler = (invocation, _entry, cancellation) =>
    new Promise<InvocationReply>((resolve) => {
      this.calls.push({
        invocation,
        signal: () => cancellation?.() ?? new AbortController().signal,
        end: (text = 'ended') => {
          resolve(textReply(invocation, text));
        },
      });
    });

  get names(): string[] {
    return this.calls.map(({ invocation }) => invocation.method);
  }

  /** The call, once it runs. */
  nth(index: number): Promise<Held['calls'][number]> {
    return eventually(() => this.calls[index]);
  }
}

const request = (fnId: string, payload = Buffer.alloc(0)): Record<string, unknown> => ({ clsId: 'a.B', fnId, payload });
const bytesOf = (fields: Record<string, unknown>): Buffer =>
  Buffer.from(FunctionRequest.encode(FunctionRequest.create(fields)).finish());

describe('the function server', () => {
  const start = async (
    handler: InvocationHandler,
    options: FunctionServerOptions = {},
  ): Promise<FunctionServer & AsyncDisposable> => {
    const server = new FunctionServer(handler, options, silentLog);
    await server.start({ port: 0 });
    return disposable(server, async (it) => {
      if (it.isRunning()) await it.stop({ timeoutMs: 0 });
    });
  };
  const portOf = (server: FunctionServer): number => server.info().port ?? 0;
  const call = (server: FunctionServer, channel?: ChannelCredentials): OprcCaller & AsyncDisposable =>
    disposable(new OprcCaller(portOf(server), channel), (it) => it.close());
  const echo: InvocationHandler = (invocation) =>
    Promise.resolve({ status: 0, payload: invocation.payload, headers: { h: '1' }, invocationId: invocation.id });

  describe('calls', () => {
    it('B13: an invocation arrives as it was sent, and its reply comes back', async () => {
      const seen: Invocation[] = [];
      await using server = await start((invocation) => {
        seen.push(invocation);
        return echo(invocation, 'server');
      });
      await using caller = call(server);
      const before = Date.now();
      const fields = { partitionId: 3, clsId: 'p.S', fnId: 'f', options: { a: 'ü' }, payload: Buffer.from('{"x":1}') };
      const answer = await caller.invokeFn(fields, 5000);
      expect(answer).toMatchObject({ status: 'OKAY', text: '{"x":1}', headers: { h: '1' } });
      await caller.invokeObj({ ...fields, objectId: 'k' });
      const [first, second] = seen;
      expect(first).toMatchObject({ service: 'p.S', method: 'f', partition: 3, objectId: undefined });
      expect({ ...first?.options }).toEqual({ a: 'ü' });
      expect((first?.deadline ?? 0) - before).toBeGreaterThan(4000);
      expect(second).toMatchObject({ objectId: 'k', deadline: undefined });
      expect(first?.id).not.toBe(second?.id);
      expect(answer.invocationId).toBe(first?.id);
    });

    it('B13: a request that names no object is INVALID_REQUEST and does not reach the handler', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      const answer = await stack.use(call(stack.use(await start(held.handler)))).invokeObj({ clsId: 'a.B', fnId: 'm' });
      expect(answer).toMatchObject({
        status: 'INVALID_REQUEST',
        headers: { 'berth-code': 'BERTH_SERVICE_BAD_OBJECT_ID' },
      });
      expect(held.calls).toHaveLength(0);
    });

    it('B13: bytes that are no message are INTERNAL, and the server goes on', async () => {
      await using stack = new AsyncDisposableStack();
      await using caller = call(stack.use(await start(echo)));
      expect(await failureOf(caller.send(INVOKE_FN_PATH, Buffer.from([0x1a, 0xff])))).toMatchObject({
        status: 'INTERNAL',
      });
      expect((await caller.invokeFn(request('m'))).status).toBe('OKAY');
    });

    it('a handler that throws or rejects is a fault of ours: SYSTEM_ERROR without its message', async () => {
      let calls = 0;
      await using stack = new AsyncDisposableStack();
      await using caller = call(
        stack.use(
          await start(() => {
            calls += 1;
            if (calls === 1) throw new Error('secret');
            return Promise.reject(new Error('secret'));
          }),
        ),
      );
      for (let i = 0; i < 2; i += 1) {
        const answer = await caller.invokeFn(request('m'));
        expect(answer).toMatchObject({ status: 'SYSTEM_ERROR', headers: { 'berth-code': 'BERTH_INTERNAL' } });
        expect(answer.text).not.toContain('secret');
      }
    });

    it('a path that nobody serves is UNIMPLEMENTED; what is no gRPC does no harm', async () => {
      await using server = await start(echo);
      await using caller = call(server);
      expect((await failureOf(caller.send('/oprc.OprcFunction/Nothing', Buffer.alloc(0)))).status).toBe(
        'UNIMPLEMENTED',
      );
      const answer = await fetch(`http://127.0.0.1:${portOf(server)}/`).catch(() => 'refused');
      expect(answer).toBe('refused');
      expect((await caller.invokeFn(request('m'))).status).toBe('OKAY');
    });
  });

  describe('deadlines and cancels', () => {
    it('a deadline that passes is DEADLINE_EXCEEDED and aborts the signal', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      const answer = failureOf(stack.use(call(stack.use(await start(held.handler)))).invokeFn(request('m'), 300));
      const signal = (await held.nth(0)).signal();
      expect((await answer).status).toBe('DEADLINE_EXCEEDED');
      await eventually(() => signal.aborted);
    });

    it('a deadline that passes at the server first is the reason of the signal, and the status', async () => {
      const held = new Held();
      await using server = await start(held.handler);
      // Unlike a gRPC client, this one does not cancel at its own deadline, which is a little earlier.
      await using session = disposable(http2Connect(`http://127.0.0.1:${portOf(server)}`), (it) => it.destroy());
      const stream = session.request({
        ':method': 'POST',
        ':path': INVOKE_FN_PATH,
        'content-type': 'application/grpc',
        'grpc-timeout': '200m',
        te: 'trailers',
      });
      const message = bytesOf(request('m'));
      stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(headers['grpc-status']).toBe('4');
      expect((await held.nth(0)).signal().reason).toMatchObject({ code: 'BERTH_SERVICE_TIMEOUT' });
    });

    it('a deadline further away than 24 days is no deadline that has passed', async () => {
      const seen: Invocation[] = [];
      await using server = await start((invocation) => {
        seen.push(invocation);
        return echo(invocation, 'server');
      });
      // As 32 bits of milliseconds it would be negative.
      const days40 = 40 * 86_400_000;
      await using stack = new AsyncDisposableStack();
      expect((await stack.use(call(server)).invokeFn(request('m'), days40)).status).toBe('OKAY');
      expect((seen[0]?.deadline ?? 0) - Date.now()).toBeGreaterThan(20 * 86_400_000);
    });

    it('a caller that leaves aborts the signal; one that gets its reply does not', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      await using caller = call(stack.use(await start(held.handler)));
      const { answer, cancel } = caller.call(INVOKE_FN_PATH, bytesOf(request('m')));
      const failure = failureOf(answer);
      const signal = (await held.nth(0)).signal();
      cancel();
      expect((await failure).status).toBe('CANCELLED');
      await eventually(() => signal.aborted);
      expect(signal.reason).toMatchObject({ code: 'BERTH_SERVICE_CANCELLED' });
      held.calls[0]?.end();

      const kept = caller.invokeFn(request('m'));
      const second = await held.nth(1);
      const untouched = second.signal();
      second.end();
      await kept;
      // A further call gives the end of the one before time to be told.
      const after = caller.invokeFn(request('n'));
      (await held.nth(2)).end();
      await after;
      expect(untouched.aborted).toBe(false);
    });
  });

  describe('limits', () => {
    it('a request above maxMessageBytes is RESOURCE_EXHAUSTED, and the server goes on', async () => {
      await using stack = new AsyncDisposableStack();
      await using caller = call(stack.use(await start(echo, { maxMessageBytes: 64 * 1024 })));
      const failure = await failureOf(caller.invokeFn(request('m', Buffer.alloc(65 * 1024))));
      expect(failure).toMatchObject({
        status: 'RESOURCE_EXHAUSTED',
        details: expect.stringContaining('larger than max'),
      });
      expect((await caller.invokeFn(request('m', Buffer.alloc(60 * 1024)))).status).toBe('OKAY');
    });

    it('a reply above maxMessageBytes is APP_ERROR with a code, not a broken stream', async () => {
      const large: InvocationHandler = ({ id }) =>
        Promise.resolve({ status: 0, payload: Buffer.alloc(5000), headers: {}, invocationId: id });
      await using stack = new AsyncDisposableStack();
      const answer = await stack
        .use(call(stack.use(await start(large, { maxMessageBytes: 4096 }))))
        .invokeFn(request('m'));
      expect(answer).toMatchObject({
        status: 'APP_ERROR',
        headers: { 'berth-code': 'BERTH_SERVICE_BAD_RESULT' },
      });
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'BERTH_SERVICE_BAD_RESULT' } });
    });

    it('messages of 4 MiB go both ways', async () => {
      const payload = Buffer.alloc(4 * 1024 * 1024 - 200, 'x');
      await using stack = new AsyncDisposableStack();
      const answer = await stack.use(call(stack.use(await start(echo)))).invokeFn(request('m', payload));
      expect(answer.text).toHaveLength(payload.length);
    });

    it('maxConcurrentCalls run, maxQueuedCalls wait in order, the next is RESOURCE_EXHAUSTED', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      await using caller = call(stack.use(await start(held.handler, { maxConcurrentCalls: 1, maxQueuedCalls: 2 })));
      const answers = [caller.invokeFn(request('1'))];
      await held.nth(0);
      answers.push(caller.invokeFn(request('2')), caller.invokeFn(request('3')));
      const refused = await failureOf(caller.invokeFn(request('4')));
      expect(refused).toMatchObject({ status: 'RESOURCE_EXHAUSTED', code: 'BERTH_SERVICE_BUSY' });
      for (let i = 0; i < 3; i += 1) {
        expect(held.calls).toHaveLength(i + 1);
        (await held.nth(i)).end();
        await answers[i];
        if (i < 2) await held.nth(i + 1);
      }
      expect(held.names).toEqual(['1', '2', '3']);
    });

    it('a call whose deadline passes or whose caller leaves while it waits never runs, and frees its place', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      await using caller = call(stack.use(await start(held.handler, { maxConcurrentCalls: 1, maxQueuedCalls: 2 })));
      const first = caller.invokeFn(request('1'));
      await held.nth(0);
      const leaving = caller.call(INVOKE_FN_PATH, bytesOf(request('left')));
      const left = failureOf(leaving.answer);
      expect((await failureOf(caller.invokeFn(request('late'), 200))).status).toBe('DEADLINE_EXCEEDED');
      leaving.cancel();
      expect((await left).status).toBe('CANCELLED');
      // Both places are free again; the server may hear of the cancel a little later than the test.
      const waiting = await eventually(async () => {
        const two = [caller.invokeFn(request('2')), caller.invokeFn(request('3'))];
        const failed = Promise.race(two).then(
          () => 'done',
          () => 'refused',
        );
        const probe = await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 50, 'waits'))]);
        return probe === 'waits' ? two : undefined;
      });
      (await held.nth(0)).end();
      await first;
      (await held.nth(1)).end();
      (await held.nth(2)).end();
      await Promise.all(waiting);
      expect(held.names).not.toContain('left');
      expect(held.names).not.toContain('late');
    });
  });

  describe('stop', () => {
    it('B2: lets running and waiting calls end, refuses new ones, and then listens no more', async () => {
      const held = new Held();
      await using server = await start(held.handler, { maxConcurrentCalls: 1 });
      await using caller = call(server);
      const running = caller.invokeFn(request('running'));
      await held.nth(0);
      const waiting = caller.invokeFn(request('waiting'));
      // One that came after it has been answered, so it has been admitted.
      await caller.invokeObj({ clsId: 'a.B', fnId: 'x' });
      const stopped = server.stop();
      await eventually(() => !server.isRunning());
      expect((await failureOf(caller.invokeFn(request('new')))).status).toBe('UNAVAILABLE');
      (await held.nth(0)).end();
      (await held.nth(1)).end();
      expect([(await running).text, (await waiting).text]).toEqual(['ended', 'ended']);
      await stopped;
      expect((await failureOf(caller.invokeFn(request('after')))).status).toBe('UNAVAILABLE');
      expect(held.names).toEqual(['running', 'waiting']);
    });

    it('B2: cuts off what does not end in time, and aborts its signal', async () => {
      const held = new Held();
      await using server = await start(held.handler, { maxConcurrentCalls: 1 });
      await using caller = call(server);
      const running = failureOf(caller.invokeFn(request('running')));
      const signal = (await held.nth(0)).signal();
      const waiting = failureOf(caller.invokeFn(request('waiting')));
      await caller.invokeObj({ clsId: 'a.B', fnId: 'x' });
      await server.stop({ timeoutMs: 50 });
      expect(await running).toMatchObject({ status: 'UNAVAILABLE', code: 'BERTH_SERVICE_OUTCOME_UNKNOWN' });
      expect(await waiting).toMatchObject({ status: 'UNAVAILABLE', code: 'BERTH_SERVICE_UNREACHABLE' });
      expect(signal.reason).toMatchObject({ message: 'the server has been stopped' });
      expect(held.names).toEqual(['running']);
    });

    it('B4: calls that run at a restart end, and the next ones find the new server', async () => {
      const held = new Held();
      await using server = await start(held.handler);
      await using caller = call(server);
      const running = caller.invokeFn(request('1'));
      const first = await held.nth(0);
      const restarted = server.restart();
      first.end();
      expect((await running).text).toBe('ended');
      await restarted;
      const next = eventually(() => caller.invokeFn(request('2')));
      (await held.nth(1)).end();
      expect((await next).text).toBe('ended');
    });
  });

  describe('health and reflection', () => {
    interface HealthClient extends Client {
      Check(request: { service: string }, done: (error: unknown, reply: { status: string }) => void): void;
    }
    const healthOf = (server: FunctionServer): HealthClient & AsyncDisposable => {
      const loaded = loadPackageDefinition(loadSync(healthProto, { enums: String }));
      const { Health } = (
        loaded as unknown as { grpc: { health: { v1: { Health: new (...args: unknown[]) => HealthClient } } } }
      ).grpc.health.v1;
      return disposable(new Health(`127.0.0.1:${portOf(server)}`, credentials.createInsecure()), (it) => it.close());
    };
    const check = (client: HealthClient, service: string): Promise<string> =>
      new Promise((resolve) => {
        client.Check({ service }, (error, reply) => {
          resolve(error === null ? reply.status : String((error as { code: number }).code));
        });
      });

    it('health: SERVING for the server and oprc.OprcFunction, NOT_FOUND for others', async () => {
      await using stack = new AsyncDisposableStack();
      await using client = healthOf(stack.use(await start(echo)));
      expect(await check(client, '')).toBe('SERVING');
      expect(await check(client, 'oprc.OprcFunction')).toBe('SERVING');
      expect(await check(client, 'another')).toBe('5');
    });

    it('health: a watcher hears NOT_SERVING before a stopping server lets go of it', async () => {
      const held = new Held();
      await using server = await start(held.handler);
      await using client = healthOf(server);
      const seen: string[] = [];
      const watch = (client as unknown as { Watch(request: object): NodeJS.EventEmitter }).Watch({ service: '' });
      watch.on('data', ({ status }: { status: string }) => seen.push(status));
      watch.on('error', () => undefined);
      const over = once(watch, 'end');
      await eventually(() => seen.length === 1);
      await using stack = new AsyncDisposableStack();
      const running = stack.use(call(server)).invokeFn(request('m'));
      const { end } = await held.nth(0);
      const stopped = server.stop();
      await eventually(() => seen.length === 2);
      end();
      expect((await running).text).toBe('ended');
      await Promise.all([over, stopped]);
      expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    });

    it.each(['v1', 'v1alpha'])('reflection %s names both services', async (version) => {
      await using stack = new AsyncDisposableStack();
      await using caller = call(stack.use(await start(echo)));
      // ServerReflectionRequest{list_services = ""}; the names are plain text in the response.
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const stream = caller.client.makeBidiStreamRequest(path, passBuffer, passBuffer, new Metadata());
      stream.end(Buffer.from([0x3a, 0x00]));
      const [answer] = (await once(stream, 'data')) as [Buffer];
      await once(stream, 'end');
      expect(answer.toString('latin1')).toContain('oprc.OprcFunction');
      expect(answer.toString('latin1')).toContain('grpc.health.v1.Health');
    });

    it('reflection describes maps and optional fields as protoc does: grpcurl refuses others', async () => {
      await using stack = new AsyncDisposableStack();
      await using caller = call(stack.use(await start(echo)));
      const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
      const stream = caller.client.makeBidiStreamRequest(path, passBuffer, passBuffer, new Metadata());
      // ServerReflectionRequest{file_containing_symbol = "oprc.OprcFunction"}
      const symbol = Buffer.from('oprc.OprcFunction');
      stream.end(Buffer.concat([Buffer.from([0x22, symbol.length]), symbol]));
      const [answer] = (await once(stream, 'data')) as [Buffer];
      await once(stream, 'end');
      const text = answer.toString('latin1');
      expect(text).toContain('.oprc.InvocationRequest.OptionsEntry');
      expect(text).toContain('.oprc.InvocationResponse.HeadersEntry');
      // object_id and payload: FieldDescriptorProto.proto3_optional is field 17.
      expect(text.split('\x88\x01\x01')).toHaveLength(3);
    });

    it('both can be left out', async () => {
      await using server = await start(echo, { health: false, reflection: false });
      await using stack = new AsyncDisposableStack();
      expect(await check(stack.use(healthOf(server)), '')).toBe('12');
    });
  });

  describe('TLS', () => {
    const ca = new TestCa();
    const other = new TestCa('another CA');
    const own = ca.issue('server', 'IP:127.0.0.1');
    afterAll(() => {
      ca.remove();
      other.remove();
    });
    const read = (file: string | undefined): Buffer | null => (file === undefined ? null : readFileSync(file));
    const channel = (pair?: { certFile: string; keyFile: string }, trusted = ca): ChannelCredentials =>
      credentials.createSsl(read(trusted.caFile), read(pair?.keyFile), read(pair?.certFile));

    it('B3: tls: serves who trusts it, and nobody in plaintext', async () => {
      await using server = await start(echo, { tls: own });
      expect(server.info().mode).toBe('tls');
      await using stack = new AsyncDisposableStack();
      expect((await stack.use(call(server, channel())).invokeFn(request('m'))).status).toBe('OKAY');
      expect((await failureOf(stack.use(call(server, channel(undefined, other))).invokeFn(request('m')))).status).toBe(
        'UNAVAILABLE',
      );
      expect((await failureOf(stack.use(call(server)).invokeFn(request('m')))).status).toBe('UNAVAILABLE');
    });

    it('B2: a connection that is silent in its handshake does not hold up the stop', async () => {
      await using server = await start(echo, { tls: own });
      const silent = connect(server.info().port ?? 0, '127.0.0.1');
      const closed = once(silent, 'close');
      silent.on('error', () => undefined);
      await once(silent, 'connect');
      await using stack = new AsyncDisposableStack();
      expect((await stack.use(call(server, channel())).invokeFn(request('m'))).status).toBe('OKAY');
      // Far beyond the test's own time, should it wait for it.
      await server.stop({ timeoutMs: 600_000 });
      await closed;
    });

    it('B3: mutual-tls: only certificates of the CA', async () => {
      await using server = await start(echo, { tls: { ...own, clientCaFile: ca.caFile } });
      expect(server.info().mode).toBe('mutual-tls');
      await using stack = new AsyncDisposableStack();
      expect((await stack.use(call(server, channel(ca.issue('client')))).invokeFn(request('m'))).status).toBe('OKAY');
      expect((await failureOf(stack.use(call(server, channel())).invokeFn(request('m')))).status).toBe('UNAVAILABLE');
      expect(
        (await failureOf(stack.use(call(server, channel(other.issue('client')))).invokeFn(request('m')))).status,
      ).toBe('UNAVAILABLE');
    });

    it.each([
      [{ certFile: '/nowhere/c.pem', keyFile: own.keyFile }, 'tls.certFile: cannot read /nowhere/c.pem'],
      [{ certFile: own.certFile, keyFile: '/nowhere/k.pem' }, 'tls.keyFile: cannot read /nowhere/k.pem'],
      [{ certFile: own.keyFile, keyFile: own.keyFile }, 'tls.certFile: '],
      [{ certFile: own.certFile, keyFile: own.certFile }, 'tls.keyFile: '],
      [{ certFile: own.certFile, keyFile: ca.issue('x').keyFile }, 'is not the key of'],
      [{ ...own, clientCaFile: own.keyFile }, 'tls.clientCaFile: '],
    ])('B1: files that cannot be used are named: %#', async (tls, message) => {
      const server = new FunctionServer(echo, { tls }, silentLog);
      const failure = server.start({ port: 0 });
      await expect(failure).rejects.toThrow(message);
      await expect(failure).rejects.toMatchObject({ code: 'BERTH_FUNCTION_SERVER_FAILED' });
      expect(server.isRunning()).toBe(false);
    });
  });
});
