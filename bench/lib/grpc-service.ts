import assert from 'node:assert';
import { Client, credentials } from '@grpc/grpc-js';
import { next, startNginx, type Nginx } from './nginx.js';
import type { Processes } from './processes.js';

/** Any method of any service is answered in the same way. */
export const METHOD = '/bench.Service/Unary';

const MESSAGE_BYTES = 100;
const MESSAGE = 'ahoy '.repeat(MESSAGE_BYTES / 5);
/** Not compressed, and the length. */
const PREFIX = Buffer.from([0, 0, 0, 0, MESSAGE_BYTES]);

/** A message of 100 bytes as gRPC frames it: request and answer of all calls. */
export const FRAME = Buffer.concat([PREFIX, Buffer.from(MESSAGE)]);

/**
 * A service that reads a call's message and answers with 100 bytes and
 * `grpc-status: 0` in trailers, without a Content-Length, as gRPC servers do.
 *
 * `return` alone would answer before the message is there, and reset the stream.
 * `mirror` reads it first, `empty_gif` refuses a POST and so leads to the
 * answer, and `ssi` takes the length away.
 */
export async function startGrpcService(processes: Processes, directory: string): Promise<Nginx> {
  const location = `
    default_type application/grpc;
    ssi on;
    ssi_types *;
    location / { mirror /nobody; empty_gif; error_page 405 =200 @answer; }
    location = /nobody { internal; return 204; }
    location @answer { add_trailer grpc-status 0; return 200 "${FRAME.toString('latin1')}"; }`;
  return await startNginx(processes, directory, 'grpc-service', { location, http2: true });
}

/**
 * Two hops with `grpc_pass` in front of `service`.
 *
 * @returns the outer one first
 */
export async function startTwoGrpcHops(
  processes: Processes,
  directory: string,
  service: number,
): Promise<[Nginx, Nginx]> {
  const location = 'location / { grpc_pass grpc://next; }';
  const hop = async (name: string, to: number): Promise<Nginx> =>
    await startNginx(processes, directory, name, { location, upstream: next(to), http2: true });
  const inner = await hop('grpc-inner', service);
  return [await hop('grpc-outer', inner.port), inner];
}

/**
 * One call by a client of gRPC that takes nothing but gRPC for an answer.
 *
 * @throws what it was answered instead of the message and the status OK
 */
export async function checkCall(port: number): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const pass = (bytes: Buffer): Buffer => bytes;
  try {
    const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
      const options = { deadline: Date.now() + 10_000 };
      client.makeUnaryRequest(METHOD, pass, pass, Buffer.from(MESSAGE), options, (error, reply) => {
        if (error === null) resolve(reply);
        else reject(error);
      });
    });
    assert.equal(answer?.toString(), MESSAGE, `an answer on port ${port} is not what the service sends`);
  } finally {
    client.close();
  }
}
