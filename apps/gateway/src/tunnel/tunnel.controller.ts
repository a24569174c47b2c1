import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcStreamCall } from '@nestjs/microservices';
import { BerthError } from '@berth/errors';
import { serverTransport } from '@berth/tunnel-protocol';
import { GrpcEdge } from './grpc-edge.js';
import { Handshakes } from './handshake.js';

/** Whether the gRPC port requires client certificates. */
export const CERTIFICATE_REQUIRED = Symbol('CERTIFICATE_REQUIRED');

/** The gRPC edge: turns a raw duplex into a session, and knows nothing of what runs in it. */
@Controller()
export class TunnelController {
  constructor(
    @Inject(Handshakes) private readonly handshakes: Handshakes,
    @Inject(GrpcEdge) private readonly edge: GrpcEdge,
    @Inject(CERTIFICATE_REQUIRED) private readonly certificateRequired: boolean,
  ) {}

  @GrpcStreamCall('Tunnel', 'Connect')
  connect(call: ServerDuplexStream<Buffer, Buffer>): void {
    const edgeCall = this.edge.callOf(call.metadata);
    if (edgeCall === undefined) return;
    const session = this.handshakes.accept(serverTransport(call), {
      remoteAddress: call.getPeer(),
      certificate: call.getAuthContext().sslPeerCertificate,
      certificateRequired: this.certificateRequired,
      call: edgeCall,
    });
    const closed = (reason: string) => (): void => {
      session.close(new BerthError('BERTH_CONNECTION_CLOSED', reason));
    };
    call.on('data', (batch: Buffer) => {
      session.receive(batch);
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
}
