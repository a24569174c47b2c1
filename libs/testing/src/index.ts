export { eventually } from './eventually.js';
export { freePortRange } from './ports.js';
export { RawClient, type RawRecorder, rawRecorder, type Recorded } from './raw-http.js';
export { describeWithRedis, hasRedisServer, RedisServer, type RedisServerOptions } from './redis-server.js';
