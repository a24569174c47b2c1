import { MAX_BATCH_BYTES, MAX_GRPC_MESSAGE_BYTES, passBuffer, TUNNEL_METHOD_PATH } from '@berth/tunnel-protocol';
import type { Server, ServerCredentials, ServerDuplexStream } from '@grpc/grpc-js';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { ServerGrpc } from '@nestjs/microservices';
import { AgentHttpServerFactory } from '@berth/http-server-pool';
import type { Log } from '@berth/observability';
import { PortAllocatorService } from '@berth/port-allocator';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { grpcConfig } from './grpc.settings.js';
import { GrpcEdge } from './grpc-edge.js';
import { createGrpcServer, grpcCredentials } from './grpc-server.js';
import { TunnelService } from './tunnel.service.js';

const OPTIONS = {
  // What an agent sends is a batch; callers without credentials could hold anything above it.
  'grpc.max_receive_message_length': 2 * MAX_BATCH_BYTES,
  'grpc.max_send_message_length': MAX_GRPC_MESSAGE_BYTES,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
};

/** The service of tunnel.proto with its messages as plain buffers: the session does the coding. */
const TUNNEL = {
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

/** How Nest names a handler that is given the call as it is, without a stream of RxJS between. */
const CONNECT = JSON.stringify({ service: 'Tunnel', rpc: 'Connect', streaming: 'pt_stream' });

/**
 * The gRPC port: Nest's own transport, on a server that suits tunnels. It
 * listens when the application has started, and closes after everything else.
 */
@Injectable()
export class TunnelGrpcServer extends ServerGrpc implements OnApplicationBootstrap, OnApplicationShutdown {
  private boundPort = 0;
  private readonly credentials: ServerCredentials;

  /** @throws BerthError `BERTH_CONFIG_INVALID` naming the setting of a TLS file that cannot be used */
  constructor(
    @Inject(grpcConfig.KEY) private readonly settings: ConfigType<typeof grpcConfig>,
    private readonly edge: GrpcEdge,
    tunnel: TunnelService,
    private readonly ports: PortAllocatorService,
    private readonly servers: AgentHttpServerFactory,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {
    super({ package: 'berth.tunnel.v1', packageDefinition: TUNNEL });
    this.credentials = grpcCredentials(settings.tls);
    this.addHandler(CONNECT, (call: ServerDuplexStream<Buffer, Buffer>) => {
      tunnel.connect(call);
      return Promise.resolve();
    });
  }

  /** The port that agents dial, once it listens; 0 before. */
  get port(): number {
    return this.boundPort;
  }

  override createClient(): Promise<Server> {
    return Promise.resolve(
      createGrpcServer(OPTIONS, (http2) => {
        this.edge.attach(http2);
      }),
    );
  }

  /** Services first, then the port: an agent must never meet a server that does not know them yet. */
  override async start(callback?: () => void): Promise<void> {
    await this.bindEvents();
    const { host, port } = this.settings;
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const server = this.grpcClient as unknown as Server;
    this.boundPort = await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, this.credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(new Error(`cannot listen on ${address} (grpc.host, grpc.port): ${error.message}`));
      });
    });
    callback?.();
  }

  /** @throws Error when the port cannot be bound; names the setting */
  async onApplicationBootstrap(): Promise<void> {
    this.grpcClient = await this.createClient();
    await this.start();
    const { start, end, free } = this.ports.figures();
    const { middleware } = this.servers;
    this.log.debug({ port: this.boundPort, start, end, free, middleware }, 'agents can dial in for ports of the range');
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
