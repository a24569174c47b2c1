export { Child, type ChildOptions } from './child.js';
export { disposable, owning } from './disposable.js';
export { eventually } from './eventually.js';
export { type Listening, listening } from './listening.js';
export { type LocalService, localService } from './local-service.js';
export { freePortRange } from './ports.js';
export { RawClient, type RawRecorder, rawRecorder, type Recorded } from './raw-http.js';
export { describeWithRedis, hasRedisServer, RedisServer, type RedisServerOptions } from './redis-server.js';
export { settled } from './settled.js';
