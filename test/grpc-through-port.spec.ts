import { randomBytes } from 'node:crypto';
import {
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type ServiceError,
  status as Grpc,
  type StatusObject,
} from '@grpc/grpc-js';
import { eventually, owning } from '@berth/testing';
import { testAgent, testGateway } from '@berth/testing/system';

const bytes = (value: Buffer): Buffer => value;

/** Messages are bytes: what is asked here is how calls travel. */
function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  const codec = {
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
  return { path: `/test.Echo/${name}`, requestStream, responseStream, ...codec };
}

const ECHO = {
  unary: method('Unary', false, false),
  serverStream: method('ServerStream', false, true),
  clientStream: method('ClientStream', true, false),
  bidi: method('Bidi', true, true),
  silent: method('Silent', false, false),
};

interface Behind extends AsyncDisposable {
  client: Client;
  server: Server;
  /** calls that their client gave up */
  cancelled: () => number;
  stopAgent: () => Promise<void>;
}

/** A gRPC service behind an agent, and a client at the agent's port. */
async function behind(): Promise<Behind> {
  await using stack = new AsyncDisposableStack();
  let cancelled = 0;
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  const unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const wanted = call.metadata.get('fail')[0];
    const trailer = new Metadata();
    trailer.set('who', 'service');
    if (wanted === undefined) callback(null, call.request, trailer);
    else callback({ code: Grpc.ABORTED, details: 'ä: 100 %', metadata: trailer });
  };
  server.addService(ECHO, {
    unary,
    serverStream: (call: ServerWritableStream<Buffer, Buffer>) => {
      for (let i = 0; i < 100; i += 1) call.write(Buffer.from(`${String(call.request)} ${i}`));
      call.end();
    },
    clientStream: (
      call: ServerReadableStream<Buffer, Buffer>,
      callback: (error: ServiceError | null, value: Buffer) => void,
    ) => {
      let sum = 0;
      call.on('data', (message: Buffer) => (sum += message.length));
      call.on('end', () => {
        callback(null, Buffer.from(String(sum)));
      });
    },
    bidi: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (message: Buffer) => call.write(message));
      call.on('end', () => {
        call.end();
      });
      call.on('cancelled', () => (cancelled += 1));
    },
    silent: ((call) => {
      call.on('cancelled', () => (cancelled += 1));
    }) as handleUnaryCall<Buffer, Buffer>,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  stack.defer(() => {
    server.forceShutdown();
  });
  const gateway = stack.use(await testGateway({ ingress: { http2: { clear: true } } }));
  const agent = stack.use(await testAgent(gateway, `h2c://127.0.0.1:${port}`));
  const options = { 'grpc.max_receive_message_length': -1, 'grpc.enable_retries': 0 };
  const client = new Client(`127.0.0.1:${agent.port}`, credentials.createInsecure(), options);
  stack.defer(() => {
    client.close();
  });
  return owning({ client, server, cancelled: () => cancelled, stopAgent: () => agent.stop() }, stack);
}

interface Outcome {
  value: Buffer | undefined;
  error: ServiceError | null;
  status: StatusObject | undefined;
}

function unary(
  client: Client,
  request: Buffer,
  { path }: MethodDefinition<Buffer, Buffer> = ECHO.unary,
  headers: Record<string, string> = {},
  deadlineMs?: number,
): Promise<Outcome> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  return new Promise((resolve) => {
    const outcome: Outcome = { value: undefined, error: null, status: undefined };
    const call = client.makeUnaryRequest(path, bytes, bytes, request, metadata, options, (error, value) => {
      Object.assign(outcome, { error, value });
      if (outcome.status !== undefined) resolve(outcome);
    });
    call.on('status', (status) => {
      outcome.status = status;
      setImmediate(resolve, outcome);
    });
  });
}

describe('gRPC through the port of an agent', () => {
  it('carries unary calls, with their metadata, statuses and messages', async () => {
    await using lab = await behind();
    const good = await unary(lab.client, Buffer.from('hello'));
    expect([good.error, String(good.value), good.status?.metadata.get('who')]).toEqual([null, 'hello', ['service']]);
    const bad = await unary(lab.client, Buffer.from(''), ECHO.unary, { fail: 'yes' });
    expect(bad.status).toMatchObject({ code: Grpc.ABORTED, details: 'ä: 100 %' });
    expect(bad.status?.metadata.get('who')).toEqual(['service']);
  });

  it('carries messages of 4 MiB both ways', async () => {
    await using lab = await behind();
    const request = randomBytes(4 * 1024 * 1024);
    const { value } = await unary(lab.client, request);
    expect(value?.equals(request)).toBe(true);
  });

  it('carries many calls at once on one connection', async () => {
    await using lab = await behind();
    const calls = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => (await unary(lab.client, Buffer.from(String(i)))).value),
    );
    expect(calls.map(String)).toEqual(Array.from({ length: 300 }, (_, i) => String(i)));
  });

  it('carries many calls at once beside an upload that has been given large windows', async () => {
    await using lab = await behind();
    const upload = lab.client.makeBidiStreamRequest(ECHO.bidi.path, bytes, bytes);
    upload.on('error', () => undefined);
    const back = new Promise((resolve) => upload.once('data', resolve));
    upload.write(Buffer.alloc(1024 * 1024));
    await back;
    const calls = await Promise.all(Array.from({ length: 90 }, () => unary(lab.client, Buffer.from('x'))));
    expect(calls.filter(({ error }) => error !== null)).toEqual([]);
    upload.cancel();
  });

  it('carries streams of the server', async () => {
    await using lab = await behind();
    const got: string[] = [];
    const call = lab.client.makeServerStreamRequest(ECHO.serverStream.path, bytes, bytes, Buffer.from('a'));
    call.on('data', (message: Buffer) => got.push(String(message)));
    const status = await new Promise<StatusObject>((resolve) => call.on('status', resolve));
    expect([status.code, got.length, got[99]]).toEqual([Grpc.OK, 100, 'a 99']);
  });

  it('carries streams of the client', async () => {
    await using lab = await behind();
    const value = await new Promise<string>((resolve, reject) => {
      const call = lab.client.makeClientStreamRequest(ECHO.clientStream.path, bytes, bytes, (error, sum) => {
        if (error === null) resolve(String(sum));
        else reject(error);
      });
      for (let i = 0; i < 50; i += 1) call.write(Buffer.alloc(50_000));
      call.end();
    });
    expect(value).toBe('2500000');
  });

  it('carries streams both ways, one message at a time', async () => {
    await using lab = await behind();
    const call = lab.client.makeBidiStreamRequest(ECHO.bidi.path, bytes, bytes);
    let count = 0;
    const got = new Promise<void>((resolve) => {
      call.on('data', (message: Buffer) => {
        expect(String(message)).toBe(String(count));
        count += 1;
        if (count < 50) call.write(Buffer.from(String(count)));
        else call.end();
      });
      call.on('end', resolve);
    });
    const status = new Promise<StatusObject>((resolve) => call.on('status', resolve));
    call.write(Buffer.from('0'));
    await got;
    expect((await status).code).toBe(Grpc.OK);
    expect(count).toBe(50);
  });

  it('tells the service that a call was cancelled', async () => {
    await using lab = await behind();
    const call = lab.client.makeBidiStreamRequest(ECHO.bidi.path, bytes, bytes);
    call.on('error', () => undefined);
    const first = new Promise((resolve) => call.once('data', resolve));
    call.write(Buffer.from('a'));
    await first;
    call.cancel();
    await eventually(() => lab.cancelled() === 1);
    expect(String((await unary(lab.client, Buffer.from('next'))).value)).toBe('next');
  });

  it('ends a call at its deadline, at both ends', async () => {
    await using lab = await behind();
    const { status } = await unary(lab.client, Buffer.from(''), ECHO.silent, {}, 300);
    expect(status?.code).toBe(Grpc.DEADLINE_EXCEEDED);
    await eventually(() => lab.cancelled() === 1);
  });

  it('says UNIMPLEMENTED in the service’s words, and UNAVAILABLE in Berth’s', async () => {
    await using lab = await behind();
    const unknown = await unary(lab.client, Buffer.from(''), method('Nothing', false, false));
    expect(unknown.status?.code).toBe(Grpc.UNIMPLEMENTED);
    lab.server.forceShutdown();
    const gone = await unary(lab.client, Buffer.from(''));
    expect(gone.status).toMatchObject({ code: Grpc.UNAVAILABLE });
    expect(gone.status?.details).toMatch(/BERTH_LOCAL_SERVICE_UNREACHABLE, request [\w-]+\)$/);
  });

  it('ends a stream with UNAVAILABLE or INTERNAL when its agent goes in the middle', async () => {
    await using lab = await behind();
    const call = lab.client.makeBidiStreamRequest(ECHO.bidi.path, bytes, bytes);
    call.on('error', () => undefined);
    const first = new Promise((resolve) => call.once('data', resolve));
    const status = new Promise<StatusObject>((resolve) => call.on('status', resolve));
    call.write(Buffer.from('a'));
    await first;
    void lab.stopAgent();
    expect([Grpc.INTERNAL, Grpc.UNAVAILABLE]).toContain((await status).code);
  });
});
