import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { BerthError } from '@berth/errors';
import { serverTransport } from '@berth/tunnel-protocol';
import type { Log } from '@berth/observability';
import { AgentRegistry } from '../../agents/index.js';
import { GATEWAY_LOG } from '../../gateway.tokens.js';
import { LifecycleEvents } from '../../lifecycle/index.js';
import { checkAgentId, checkCertificate } from '../agent-credentials.js';
import { EdgeLog } from '../edge-log.js';
import { authConfig, grpcConfig } from '../grpc.settings.js';
import { GrpcEdge } from '../grpc-edge.js';
import { Refusals } from '../refusals.js';
import { tunnelConfig } from '../tunnel.settings.js';
import { SiloCall, type SiloSurroundings } from './silo-call.js';

/** `proxy.ProxyService/Stream`: agents of silo-proxy, as one more kind of connection (docs/compatibility.md). */
@Injectable()
export class SiloService implements SiloSurroundings {
  readonly limits: SiloSurroundings['limits'];

  constructor(
    readonly registry: AgentRegistry,
    @Inject(tunnelConfig.KEY) private readonly tunnel: ConfigType<typeof tunnelConfig>,
    @Inject(authConfig.KEY) private readonly auth: ConfigType<typeof authConfig>,
    @Inject(grpcConfig.KEY) private readonly grpc: ConfigType<typeof grpcConfig>,
    private readonly edge: GrpcEdge,
    readonly refusals: Refusals,
    readonly events: LifecycleEvents,
    @Inject(GATEWAY_LOG) readonly log: Log,
    readonly limited: EdgeLog,
  ) {
    const { handshakeTimeoutMs, pingIntervalMs, pingTimeoutMs, silo } = tunnel;
    if (silo.enabled && silo.insecure && auth.token !== '') {
      log.warn({}, 'agents of silo-proxy need neither token nor certificate (tunnel.silo.insecure)');
    }
    this.limits = { ...silo, pingIntervalMs, pingTimeoutMs, handshakeTimeoutMs };
  }

  /** Takes a call with its messages as plain buffers. */
  stream(call: ServerDuplexStream<Buffer, Buffer>): void {
    const edgeCall = this.edge.callOf(call.metadata);
    if (edgeCall === undefined) return;
    if (this.tunnel.silo.enabled) {
      new SiloCall(this, call, edgeCall);
      return;
    }
    call.on('error', () => undefined);
    // The original agent shows nothing of why: the line in this log is what an operator finds.
    const off = new BerthError(
      'BERTH_VERSION_UNSUPPORTED',
      'agents of silo-proxy are not let in (tunnel.silo.enabled)',
    );
    serverTransport(call).close(this.refusals.refused('', off));
    edgeCall.end();
  }

  check(agentId: string, call: ServerDuplexStream<Buffer, Buffer>): void {
    checkAgentId(agentId);
    const certificate = call.getAuthContext().sslPeerCertificate;
    const isRequired = this.grpc.tls.enabled && this.grpc.tls.clientCert === 'require';
    if (certificate === undefined && isRequired) {
      throw new BerthError(
        'BERTH_CERTIFICATE_MISMATCH',
        'this gateway requires a client certificate (grpc.tls.clientCert)',
      );
    }
    if (certificate === undefined && this.auth.token !== '' && !this.tunnel.silo.insecure) {
      throw new BerthError(
        'BERTH_UNAUTHENTICATED',
        'this gateway asks for a token, which agents of silo-proxy do not have: give them client certificates (grpc.tls.clientCert), or set tunnel.silo.insecure',
      );
    }
    checkCertificate(certificate, agentId);
  }
}
