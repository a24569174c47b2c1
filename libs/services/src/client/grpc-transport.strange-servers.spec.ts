import { once } from 'node:events';
import { createServer, type Http2Server, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { codeOf } from '../../testing/slow-service.js';
import type { InvocationReply } from '../invocation/invocation.js';
import { decodeResult } from '../invocation/payload.js';
import { GrpcTransport } from './grpc-transport.js';

/** What another implementation of the server, or something before it, may answer. */
describe('GrpcTransport and a server that answers strangely', () => {
  let server: Http2Server;
  let client: GrpcTransport;
  let answer: (stream: ServerHttp2Stream) => void;

  beforeEach(async () => {
    server = createServer().on('stream', (stream) => {
      stream.on('error', () => undefined).resume();
      answer(stream);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = new GrpcTransport({ address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  });
  afterEach(async () => {
    await client.close();
    server.close();
    await once(server, 'close');
  });

  /** A call that ends with gRPC's OK. @param flag 1: compressed */
  const okay =
    (message: Buffer | undefined, flag = 0, headers: OutgoingHttpHeaders = {}) =>
    (stream: ServerHttp2Stream): void => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      const head = Buffer.from([flag, 0, 0, 0, message?.length ?? 0]);
      stream.end(message === undefined ? undefined : Buffer.concat([head, message]));
    };
  const invoke = (): Promise<InvocationReply> =>
    client.invoke(
      { id: '', service: 'a.B', method: 'm', partition: 0, payload: Buffer.alloc(0), options: {} },
      { delivery: 'at-most-once' },
    );

  it.each([
    ['in a way that nobody knows', { 'grpc-encoding': 'br' }],
    ['and says that it is not', { 'grpc-encoding': 'identity' }],
  ])('a reply that is compressed %s: its outcome is unknown', async (_, headers) => {
    answer = okay(Buffer.from('xx'), 1, headers);
    expect(await codeOf(invoke())).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    answer = okay(Buffer.alloc(0));
    expect(await invoke()).toMatchObject({ status: 0 });
  });

  it('OK without a reply: the call may have been run', async () => {
    answer = okay(undefined);
    expect(await codeOf(invoke())).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
  });

  it('words that a connection has for itself, said by a server: the call may have been run, and is not sent again', async () => {
    let seen = 0;
    answer = (stream) => {
      seen += 1;
      const said = { 'grpc-status': '13', 'grpc-message': 'upstream: No stream ID is available' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...said }, { endStream: true });
    };
    expect(await codeOf(invoke())).toBe('BERTH_SERVICE_OUTCOME_UNKNOWN');
    expect(seen).toBe(1);
  });

  it('a payload that is neither text nor said to be bytes is given as bytes', async () => {
    answer = okay(Buffer.from([0x0a, 2, 0xff, 0xfe]));
    expect(decodeResult(await invoke())).toEqual(Buffer.from([0xff, 0xfe]));
  });
});
