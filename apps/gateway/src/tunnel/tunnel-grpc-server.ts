import {
  MAX_GRPC_MESSAGE_BYTES,
  MAX_SILO_MESSAGE_BYTES,
  passBuffer,
  SILO_METHOD_PATH,
  TUNNEL_METHOD_PATH,
} from '@berth/tunnel-protocol';
import type { Server, ServerCredentials, ServerDuplexStream } from '@grpc/grpc-js';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { ServerGrpc } from '@nestjs/microservices';
import { collectDeadBuffers } from '@berth/exchange';
import { listenFault } from '@berth/http-server-pool';
import type { Log } from '@berth/observability';
import { PortAllocatorService } from '@berth/port-allocator';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { grpcConfig } from './grpc.settings.js';
import { GrpcEdge } from './grpc-edge.js';
import { createGrpcServer, type GrpcCertificate, grpcCertificate, grpcCredentials } from './grpc-server.js';
import { SiloService } from './silo/silo.service.js';
import { MAX_RECEIVED_BYTES, TunnelService } from './tunnel.service.js';
import { tunnelConfig } from './tunnel.settings.js';

const OPTIONS = {
  'grpc.max_receive_message_length': MAX_RECEIVED_BYTES,
  'grpc.max_send_message_length': MAX_GRPC_MESSAGE_BYTES,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
};

/** The one limit that grpc-js has for all methods must let answers through that come whole. */
const siloLimits = (maxAnswerBytes: number) => ({
  'grpc.max_receive_message_length': maxAnswerBytes,
  'grpc.max_send_message_length': MAX_SILO_MESSAGE_BYTES,
});

/** A method whose messages are plain buffers: whoever takes the call does the coding. */
const method = (path: string) => ({
  path,
  requestStream: true,
  responseStream: true,
  requestSerialize: passBuffer,
  requestDeserialize: passBuffer,
  responseSerialize: passBuffer,
  responseDeserialize: passBuffer,
});

/** The services of tunnel.proto and proxy.proto. */
const SERVICES = {
  'berth.tunnel.v1.Tunnel': { Connect: method(TUNNEL_METHOD_PATH) },
  'proxy.ProxyService': { Stream: method(SILO_METHOD_PATH) },
};

/** How Nest names a handler that is given the call as it is, without a stream of RxJS between. */
const handlerOf = (service: string, rpc: string): string => JSON.stringify({ service, rpc, streaming: 'pt_stream' });

/**
 * The gRPC port: Nest's own transport, on a server that suits tunnels. It
 * listens when the application has started, and closes after everything else.
 */
@Injectable()
export class TunnelGrpcServer extends ServerGrpc implements OnApplicationBootstrap, OnApplicationShutdown {
  private boundPort = 0;
  private readonly credentials: ServerCredentials;
  /** that agents are shown, as it was read at the start; undefined without TLS */
  readonly certificate: GrpcCertificate | undefined;

  /** @throws BerthError `BERTH_CONFIG_INVALID` naming the setting of a TLS file that cannot be used */
  constructor(
    @Inject(grpcConfig.KEY) private readonly settings: ConfigType<typeof grpcConfig>,
    private readonly edge: GrpcEdge,
    tunnel: TunnelService,
    silo: SiloService,
    @Inject(tunnelConfig.KEY) private readonly tunnelSettings: ConfigType<typeof tunnelConfig>,
    private readonly ports: PortAllocatorService,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {
    super({ package: ['berth.tunnel.v1', 'proxy'], packageDefinition: SERVICES });
    this.credentials = grpcCredentials(settings.tls);
    this.certificate = grpcCertificate(settings.tls);
    const notAfter = this.certificate?.leaf.validToDate;
    if (notAfter !== undefined && notAfter.getTime() <= Date.now())
      log.error(
        { setting: 'grpc.tls.certFile', notAfter: notAfter.toISOString() },
        'the certificate of the gRPC port has expired: agents refuse it',
      );
    this.addHandler(handlerOf('Tunnel', 'Connect'), (call: ServerDuplexStream<Buffer, Buffer>) => {
      tunnel.connect(call);
      return Promise.resolve();
    });
    this.addHandler(handlerOf('ProxyService', 'Stream'), (call: ServerDuplexStream<Buffer, Buffer>) => {
      silo.stream(call);
      return Promise.resolve();
    });
  }

  /** The port that agents dial, once it listens; 0 before. */
  get port(): number {
    return this.boundPort;
  }

  override createClient(): Promise<Server> {
    const { enabled, maxAnswerBytes } = this.tunnelSettings.silo;
    const options = enabled ? { ...OPTIONS, ...siloLimits(maxAnswerBytes) } : OPTIONS;
    return Promise.resolve(
      createGrpcServer(options, (http2) => {
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
        else reject(new Error(`cannot listen on ${address}: ${listenFault(error)} (grpc.host, grpc.port)`));
      });
    });
    callback?.();
  }

  /** @throws Error when the port cannot be bound; names the setting */
  async onApplicationBootstrap(): Promise<void> {
    collectDeadBuffers();
    this.grpcClient = await this.createClient();
    await this.start();
    const { start, end, free } = this.ports.figures();
    this.log.debug({ port: this.boundPort, start, end, free }, 'agents can dial in for ports of the range');
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
