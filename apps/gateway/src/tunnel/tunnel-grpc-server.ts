import { MAX_BATCH_BYTES, MAX_GRPC_MESSAGE_BYTES, passBuffer, TUNNEL_METHOD_PATH } from '@berth/tunnel-protocol';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import { ServerGrpc } from '@nestjs/microservices';
import type { GrpcEdge } from './grpc-edge.js';
import { createGrpcServer } from './grpc-server.js';

export interface TunnelServerOptions {
  host: string;
  /** 0 lets the system choose; see {@link TunnelGrpcServer.port} */
  port: number;
  credentials: ServerCredentials;
  /** keeps strangers cheap */
  edge: GrpcEdge;
}

/** The Nest microservice transport of the gRPC port: Nest's own, on a server that suits tunnels. */
export class TunnelGrpcServer extends ServerGrpc {
  private boundPort = 0;

  constructor(private readonly tunnel: TunnelServerOptions) {
    super({ package: 'berth.tunnel.v1', packageDefinition: tunnelDefinition() });
  }

  /** The port that agents dial, once the server listens. */
  get port(): number {
    return this.boundPort;
  }

  override createClient(): Promise<Server> {
    const options = {
      // What an agent sends is a batch; callers without credentials could hold anything above it.
      'grpc.max_receive_message_length': 2 * MAX_BATCH_BYTES,
      'grpc.max_send_message_length': MAX_GRPC_MESSAGE_BYTES,
      'grpc.enable_retries': 0,
      'grpc.enable_channelz': 0,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.keepalive_permit_without_calls': 1,
    };
    return Promise.resolve(
      createGrpcServer(options, (http2) => {
        this.tunnel.edge.attach(http2);
      }),
    );
  }

  /** Services first, then the port: an agent must never meet a server that does not know them yet. */
  override async start(callback?: () => void): Promise<void> {
    await this.bindEvents();
    const { host, port, credentials } = this.tunnel;
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const server = this.grpcClient as unknown as Server;
    this.boundPort = await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(new Error(`cannot listen on ${address} (grpc.host, grpc.port): ${error.message}`));
      });
    });
    callback?.();
  }
}

/** The service of tunnel.proto with its messages as plain buffers: the session does the coding. */
function tunnelDefinition(): object {
  return {
    'berth.tunnel.v1.Tunnel': {
      Connect: {
        path: TUNNEL_METHOD_PATH,
        requestStream: true,
        responseStream: true,
        requestSerialize: passBuffer,
        requestDeserialize: passBuffer,
        responseSerialize: passBuffer,
        responseDeserialize: passBuffer,
      },
    },
  };
}
