import { once } from 'node:events';
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  status,
} from '@grpc/grpc-js';
import { disposable, eventually, owning } from '@berth/testing';
import { finish, headOf, send, start, testAgent, testGateway } from '@berth/testing/system';

const MAX_MESSAGE = 8 * 1024 * 1024;

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

const SERVICE = {
  unary: method('Unary', false, false),
  fails: method('Fails', false, false),
  stream: method('Stream', false, true),
  both: method('Both', true, true),
};

interface Seen {
  cancelled: number;
  deadlines: number[];
}

/** A server of grpc-js behind an agent; `seen` is what its handlers have met. */
async function grpcBehindGateway(): Promise<{ port: number; seen: Seen } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const seen: Seen = { cancelled: 0, deadlines: [] };
  const unary: handleUnaryCall<Buffer, Buffer> = (call, done) => {
    seen.deadlines.push(Number(call.getDeadline()) - Date.now());
    done(null, call.request);
  };
  const fails: handleUnaryCall<Buffer, Buffer> = (_call, done) => {
    done({ code: status.NOT_FOUND, details: 'no such thing' });
  };
  const stream: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    call.on('cancelled', () => (seen.cancelled += 1));
    // Without an end: it is for the client to leave, or for its deadline.
    for (let i = 0; i < 3; i += 1) call.write(Buffer.concat([call.request, Buffer.from(`-${i}`)]));
  };
  const both: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('data', (message: Buffer) => call.write(message));
    call.on('end', () => {
      call.end();
    });
  };
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE,
    'grpc.max_send_message_length': MAX_MESSAGE,
  });
  server.addService(SERVICE, { unary, fails, stream, both });
  stack.use(
    disposable(server, (it) => {
      it.forceShutdown();
    }),
  );
  const servicePort = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
  const gateway = stack.use(await testGateway());
  const agent = stack.use(await testAgent(gateway, `h2c://127.0.0.1:${servicePort}`));
  return owning({ port: agent.port, seen }, stack);
}

/** A message with its head, as gRPC has it. */
function framed(message: Buffer | string): Buffer {
  const bytes = Buffer.from(message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const call = (path: string, more: Record<string, string> = {}): Parameters<typeof send>[1] => ({
  method: 'POST',
  path: `/test.Echo/${path}`,
  headers: { 'Content-Type': 'application/grpc', TE: 'trailers', ...more },
});

describe('a gRPC server beside the agent', () => {
  it('unary: message and status, in trailers', async () => {
    await using setup = await grpcBehindGateway();
    const answer = await send(setup.port, { ...call('Unary'), body: framed('hello') });
    expect(answer.body.equals(framed('hello'))).toBe(true);
    expect(answer.rawTrailers).toEqual(['grpc-status', '0', 'grpc-message', 'OK']);
  });

  it('messages of 4 MiB', async () => {
    await using setup = await grpcBehindGateway();
    const body = framed(Buffer.alloc(4 * 1024 * 1024, 'berth'));
    const answer = await send(setup.port, { ...call('Unary'), body });
    expect(answer.body.equals(body)).toBe(true);
  });

  it('an error of the server, and a method that it does not have: answers of trailers only', async () => {
    await using setup = await grpcBehindGateway();
    const failed = await send(setup.port, { ...call('Fails'), body: framed('x') });
    const statusOf = ({ headers, rawTrailers }: typeof failed): unknown =>
      headers['grpc-status'] ?? rawTrailers[rawTrailers.indexOf('grpc-status') + 1];
    expect([failed.status, statusOf(failed)]).toEqual([200, String(status.NOT_FOUND)]);
    const unknown = await send(setup.port, { ...call('None'), body: framed('x') });
    expect([unknown.status, statusOf(unknown)]).toEqual([200, String(status.UNIMPLEMENTED)]);
  });

  it('a deadline reaches the server and ends the call there', async () => {
    await using setup = await grpcBehindGateway();
    await send(setup.port, { ...call('Unary', { 'grpc-timeout': '5S' }), body: framed('x') });
    expect(setup.seen.deadlines[0]).toBeGreaterThan(3000);
    expect(setup.seen.deadlines[0]).toBeLessThan(5001);
    const answer = await send(setup.port, { ...call('Stream', { 'grpc-timeout': '100m' }), body: framed('x') });
    expect(answer.rawTrailers.slice(0, 2)).toEqual(['grpc-status', String(status.DEADLINE_EXCEEDED)]);
  });

  it('a client that leaves a stream cancels the call', async () => {
    await using setup = await grpcBehindGateway();
    const outgoing = start(setup.port, call('Stream'));
    outgoing.on('error', () => undefined).end(framed('m'));
    const response = await headOf(outgoing);
    const chunks: Buffer[] = [];
    response.on('error', () => undefined).on('data', (chunk: Buffer) => chunks.push(chunk));
    const expected = Buffer.concat(['m-0', 'm-1', 'm-2'].map(framed));
    await eventually(() => Buffer.concat(chunks).equals(expected));
    outgoing.destroy();
    await eventually(() => setup.seen.cancelled === 1);
  });

  it('streams both ways at the same time', async () => {
    await using setup = await grpcBehindGateway();
    const outgoing = start(setup.port, call('Both'));
    outgoing.write(framed('first'));
    const response = await headOf(outgoing);
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.equals(framed('first'))).toBe(true);
    outgoing.write(framed('second'));
    const [second] = (await once(response, 'data')) as [Buffer];
    expect(second.equals(framed('second'))).toBe(true);
    outgoing.end();
    const { rawTrailers } = await finish(response);
    expect(rawTrailers.slice(0, 2)).toEqual(['grpc-status', '0']);
  });
});
