export { sameSecret } from './agent-credentials.js';
export { type EdgeOptions, GrpcEdge } from './grpc-edge.js';
export { grpcCredentials, type GrpcTls } from './grpc-server.js';
export { type HandshakeOptions, Handshakes } from './handshake.js';
export { CERTIFICATE_REQUIRED, TunnelController } from './tunnel.controller.js';
export { TunnelGrpcServer, type TunnelServerOptions } from './tunnel-grpc-server.js';
export { AuthSettings, GrpcSettings, GrpcTlsSettings } from './grpc.settings.js';
export { GatewayTunnelSettings } from './tunnel.settings.js';
