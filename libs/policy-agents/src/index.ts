export { POLICY_AGENT_DEFAULTS } from './agent/defaults.js';
export { NO_OBSERVER } from './agent/no-observer.js';
export { PolicyAgent } from './agent/policy-agent.js';
export { MAX_STRETCH } from './agent/reported-state.js';
export { REASONS, type Reason } from './agent/reason.js';
export * from './answers.js';
export * from './capabilities.js';
export type * from './conversation.js';
export * from './events.js';
export type * from './link.js';
export type * from './managed.js';
export { plainPath, plainPaths, sentPath } from './plain-path.js';
export * from './reports.js';
export { dialGrpc, type GrpcDialOptions } from './transports/grpc/dial-grpc.js';
export type { ClientTls } from './transports/grpc/grpc-channel.js';
export { type GrpcServeOptions, serveGrpc, type ServerTls } from './transports/grpc/serve-grpc.js';
export { dialUnix, type UnixDialOptions } from './transports/framed/dial-unix.js';
export { serveUnix, type UnixServeOptions } from './transports/framed/serve-unix.js';
export type { ListenAddress } from './transports/framed/listen.js';
export { admission, type AdmissionRules } from './transports/reverse/admission.js';
export { dialReverse, type ReverseDialOptions } from './transports/reverse/dial-reverse.js';
export type { Registration } from './transports/reverse/registration.js';
export {
  listenForAgents,
  type ReverseListener,
  type ReverseListenOptions,
} from './transports/reverse/reverse-listener.js';
