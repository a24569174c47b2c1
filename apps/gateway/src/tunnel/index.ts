export { GrpcEdge } from './grpc-edge.js';
export { grpcCredentials } from './grpc-server.js';
export { sameSecret } from './agent-credentials.js';
export { authConfig, AuthSettings, grpcConfig, GrpcSettings, GrpcTlsSettings } from './grpc.settings.js';
export { TunnelGrpcServer } from './tunnel-grpc-server.js';
export { TunnelModule } from './tunnel.module.js';
export { GatewayTunnelSettings, tunnelConfig } from './tunnel.settings.js';
