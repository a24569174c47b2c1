import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { BerthError, messageOf } from '@berth/errors';
import type { AgentHost, AgentServer } from '../../link.js';
import { PACKAGES } from '../../wire/proto/schema.js';
import { MAX_GRPC_MESSAGE_BYTES } from './grpc-link.js';
import { same } from './outcomes.js';
import { ServedStream } from './served-stream.js';
import { serveEvent } from './served-event.js';

/** TLS of a server: PEM texts. */
export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** with one, clients need a certificate of it */
  readonly ca?: Buffer | undefined;
}

export interface GrpcServeOptions {
  /** host:port (port 0: any that is free), or `unix:` and a path */
  readonly address: string;
  readonly host: AgentHost;
  /** absent: plaintext */
  readonly tls?: ServerTls | undefined;
  /** one message, bytes; default 10 MiB */
  readonly maxMessageBytes?: number | undefined;
  /** for a proxy's first message, ms; default 10 s */
  readonly handshakeTimeoutMs?: number | undefined;
  /** told of proxies that could not be served, for a log */
  readonly refused?: ((remote: string, thrown: unknown) => void) | undefined;
}

const CALL_TYPES = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

/**
 * An agent that serves gRPC under both package names, for any number of proxies.
 *
 * @throws BerthError (as a rejection) `BERTH_SERVER_START_FAILED`
 */
export async function serveGrpc(options: GrpcServeOptions): Promise<AgentServer> {
  const { address, host, maxMessageBytes = MAX_GRPC_MESSAGE_BYTES, handshakeTimeoutMs = 10_000, refused } = options;
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.enable_channelz': 0,
  });
  const streams = new Set<ServedStream>();
  const processStream = (call: ServerDuplexStream<Buffer, Buffer>): void => {
    const stream = new ServedStream(call, host, maxMessageBytes, handshakeTimeoutMs, refused);
    streams.add(stream);
    call.once('close', () => streams.delete(stream));
  };
  const processEvent = (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void => {
    serveEvent(call, host, maxMessageBytes, reply);
  };
  for (const name of PACKAGES) {
    const path = (method: string): string => `/${name}.AgentServiceV2/${method}`;
    server.addService(
      {
        ProcessStream: { path: path('ProcessStream'), requestStream: true, responseStream: true, ...CALL_TYPES },
        ProcessEvent: { path: path('ProcessEvent'), requestStream: false, responseStream: false, ...CALL_TYPES },
      },
      { ProcessStream: processStream, ProcessEvent: processEvent },
    );
  }
  const port = await listen(server, address, options.tls);
  return {
    address: address.startsWith('unix:') ? address : address.replace(/:\d+$/, `:${port}`),
    close: () => {
      for (const stream of streams) stream.close();
      return shutDown(server);
    },
  };
}

async function listen(server: Server, address: string, tls: ServerTls | undefined): Promise<number> {
  try {
    const credentials = tls
      ? ServerCredentials.createSsl(
          tls.ca ?? null,
          [{ cert_chain: tls.cert, private_key: tls.key }],
          tls.ca !== undefined,
        )
      : ServerCredentials.createInsecure();
    return await new Promise((resolve, reject) => {
      server.bindAsync(address, credentials, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
  } catch (thrown) {
    throw new BerthError('BERTH_SERVER_START_FAILED', `cannot listen on ${address}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

/** How long calls may take to end, ms. */
const CLOSE_GRACE_MS = 1000;

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, CLOSE_GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
