import { connect as http2Connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { disposable } from '@berth/testing';
import { INVOKE_FN_PATH } from '../src/wire/requests.js';
import { bytesOf } from './function-server.js';
import { OprcCaller } from './oprc-caller.js';

/** A gRPC message with its five bytes before it, as it is or compressed. */
export function framed(fields: Record<string, unknown>, compress = false): Buffer {
  const plain = bytesOf(fields);
  const message = compress ? gzipSync(plain) : plain;
  const head = Buffer.alloc(5);
  head.writeUInt8(compress ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Resolves when a stream is over, however it ended. */
export function closeOf(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve);
  });
}

/** A caller that keeps to HTTP/2 and to nothing else. */
export function session(port: number, options: object = {}): ClientHttp2Session & AsyncDisposable {
  const it = disposable(http2Connect(`http://127.0.0.1:${port}`, options), (one) => one.destroy());
  return it.on('error', () => undefined);
}

/** A call of which nothing but its headers has been sent. */
export function open(
  on: ClientHttp2Session,
  path = INVOKE_FN_PATH,
  headers: Record<string, string> = {},
): ClientHttp2Stream {
  const stream = on.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  return stream.on('error', () => undefined);
}

/** How a stream ended: its gRPC status, or the code of its reset. */
export async function ended(stream: ClientHttp2Stream): Promise<string> {
  let status = '';
  const note = (headers: Record<string, unknown>): void => {
    const said = headers['grpc-status'];
    if (typeof said === 'string' || typeof said === 'number') status = `status ${said}`;
  };
  stream.on('response', note).on('trailers', note).resume();
  await closeOf(stream);
  return status === '' ? `reset ${stream.rstCode}` : status;
}

/** The outcome of a call of another client, to see that the server goes on. */
export async function works(port: number): Promise<string> {
  const caller = new OprcCaller(port);
  try {
    return (await caller.invokeFn({ clsId: 'a.B', fnId: 'm', payload: Buffer.from('x') })).status;
  } finally {
    caller.close();
  }
}
