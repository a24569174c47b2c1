import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { disposable } from '@berth/testing';
import { len, num } from './protobuf.js';

/** An agent's answer to a handshake: no more than it must say. */
export const ACCEPTS = len(1, num(1, 2), len(2, num(1, 2), len(2, 'waf'), len(5, Buffer.from([1]))), num(3, 1));

export interface FakeAgent {
  /** default zentinel.agent.v2 */
  readonly package?: string;
  /** Gets each message of a stream. Absent: there is no such method. */
  readonly stream?: (call: ServerDuplexStream<Buffer, Buffer>, message: Buffer) => void;
  /** Answers one event; undefined: never. @throws with a `code` what the call ends with. Absent: there is no such method. */
  readonly event?: (message: Buffer) => Buffer | undefined;
  readonly credentials?: ServerCredentials;
}

/** A gRPC server in the place of an agent, that knows bytes alone. */
export async function fakeGrpcAgent(agent: FakeAgent) {
  const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
  const calls: string[] = [];
  const same = (bytes: Buffer): Buffer => bytes;
  const codec = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const path = (method: string): string => `/${agent.package ?? 'zentinel.agent.v2'}.AgentServiceV2/${method}`;
  const { stream, event } = agent;
  if (stream) {
    server.addService(
      { ProcessStream: { path: path('ProcessStream'), requestStream: true, responseStream: true, ...codec } },
      {
        ProcessStream: (call: ServerDuplexStream<Buffer, Buffer>) => {
          calls.push(path('ProcessStream'));
          call.on('error', () => undefined);
          call.on('data', (bytes: Buffer) => {
            stream(call, bytes);
          });
          call.on('end', () => {
            call.end();
          });
        },
      },
    );
  }
  if (event) {
    server.addService(
      { ProcessEvent: { path: path('ProcessEvent'), requestStream: false, responseStream: false, ...codec } },
      {
        ProcessEvent: ({ request }: { request: Buffer }, reply: (error: object | null, bytes?: Buffer) => void) => {
          calls.push(path('ProcessEvent'));
          try {
            const answer = event(request);
            if (answer !== undefined) reply(null, answer);
          } catch (thrown) {
            reply(thrown as object);
          }
        },
      },
    );
  }
  const credentials = agent.credentials ?? ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return disposable({ target: `127.0.0.1:${port}`, calls, server }, () => {
    server.forceShutdown();
  });
}
