import type { ClientDuplexStream, ServerDuplexStream, StatusObject } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { BerthError, GrpcStatus } from '@berth/errors';
import type { BatchTransport } from './session-types.js';

/** gRPC path of the tunnel (`service Tunnel` in tunnel.proto). */
export const TUNNEL_METHOD_PATH = '/berth.tunnel.v1.Tunnel/Connect';

/** gRPC messages above this end the call: twice a batch, and room for large configuration pushes. */
export const MAX_GRPC_MESSAGE_BYTES = 1_048_576;

/** Batches are encoded by the session, so gRPC gets and gives plain buffers. */
export const passBuffer = (bytes: Buffer): Buffer => bytes;

/**
 * How long the other side of a call that was closed may take to notice, ms.
 * Afterwards the stream is cancelled.
 */
const CLOSE_GRACE_MS = 1000;

/** A server-side call as the carrier of a session. */
export function serverTransport(call: ServerDuplexStream<Buffer, Buffer>): BatchTransport {
  return {
    send: (batch, sent) => call.write(batch, sent),
    close(error) {
      if (call.destroyed) return;
      if (error === undefined) call.end();
      else
        call.emit('error', {
          code: error.grpcStatus,
          details: error.message,
          metadata: codeMetadata(error),
        });
    },
  };
}

/** Who takes what a call brings. */
export interface MessageTaker {
  receive(message: Buffer): void;
  close(error?: BerthError): void;
}

/**
 * Feeds a session with what a server-side call brings, and ends it with the call.
 *
 * @param maxBytes of a message: grpc-js knows one limit for all methods of a server
 */
export function receiveFromClient(
  call: ServerDuplexStream<Buffer, Buffer>,
  session: MessageTaker,
  maxBytes: number,
): void {
  const closed = (reason: string) => (): void => {
    session.close(new BerthError('BERTH_CONNECTION_CLOSED', reason));
  };
  call.on('data', (message: Buffer) => {
    if (message.length <= maxBytes) session.receive(message);
    else session.close(new BerthError('BERTH_PROTOCOL_ERROR', `a message of more than ${maxBytes} bytes`));
  });
  call.on('end', () => {
    // A stream that was broken off ends as well, and says so in the same turn: that is no orderly end.
    setImmediate(() => {
      session.close();
    });
  });
  call.on('cancelled', closed("the agent's connection went away"));
  call.on('error', closed("the agent's stream failed"));
  call.on('close', closed("the agent's stream closed"));
}

/**
 * The same for a client-side call.
 *
 * @param ended told how the call ended; it is for the caller to close the session then
 */
export function receiveFromServer(
  call: ClientDuplexStream<Buffer, Buffer>,
  session: MessageTaker,
  ended: (status: StatusObject) => void,
): void {
  call.on('data', (message: Buffer) => {
    session.receive(message);
  });
  call.on('error', () => undefined); // the status says the same
  call.on('status', ended);
}

/** A client-side call as the carrier of a session. */
export function clientTransport(call: ClientDuplexStream<Buffer, Buffer>): BatchTransport {
  return {
    send: (batch, sent) => call.write(batch, sent),
    close() {
      call.end();
      const timer = setTimeout(() => {
        call.cancel();
      }, CLOSE_GRACE_MS);
      timer.unref();
      call.once('status', () => {
        clearTimeout(timer);
      });
    },
  };
}

/** Trailer that carries the stable error code beside the gRPC status. */
export const ERROR_CODE_METADATA = 'berth-error-code';

function codeMetadata(error: BerthError): Metadata {
  const metadata = new Metadata();
  metadata.set(ERROR_CODE_METADATA, error.code);
  return metadata;
}

/** Statuses after which the same Hello would be refused again. */
export const FINAL_STATUSES: ReadonlySet<number> = new Set([
  GrpcStatus.INVALID_ARGUMENT,
  GrpcStatus.UNAUTHENTICATED,
  GrpcStatus.PERMISSION_DENIED,
  GrpcStatus.FAILED_PRECONDITION,
  GrpcStatus.UNIMPLEMENTED,
]);
