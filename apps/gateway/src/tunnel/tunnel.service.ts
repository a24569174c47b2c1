import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { receiveFromClient, serverTransport } from '@berth/tunnel-protocol';
import { grpcConfig } from './grpc.settings.js';
import { GrpcEdge } from './grpc-edge.js';
import { Handshakes } from './handshake.js';

/** Of a message of an agent, two batches of 64 KiB: it is one, and callers without credentials could hold anything above it. */
export const MAX_RECEIVED_BYTES = 131_072;

/** The gRPC edge: turns a raw duplex into a session, and knows nothing of what runs in it. */
@Injectable()
export class TunnelService {
  private readonly certificateRequired: boolean;

  constructor(
    private readonly handshakes: Handshakes,
    private readonly edge: GrpcEdge,
    @Inject(grpcConfig.KEY) { tls }: ConfigType<typeof grpcConfig>,
  ) {
    this.certificateRequired = tls.enabled && tls.clientCert === 'require';
  }

  /** `berth.tunnel.v1.Tunnel/Connect`, with its messages as plain buffers. */
  connect(call: ServerDuplexStream<Buffer, Buffer>): void {
    const edgeCall = this.edge.callOf(call.metadata);
    if (edgeCall === undefined) return;
    const session = this.handshakes.accept(serverTransport(call), {
      remoteAddress: call.getPeer(),
      certificate: call.getAuthContext().sslPeerCertificate,
      certificateRequired: this.certificateRequired,
      call: edgeCall,
    });
    receiveFromClient(call, session, MAX_RECEIVED_BYTES);
  }
}
