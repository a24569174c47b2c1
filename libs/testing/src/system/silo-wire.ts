import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type GrpcObject, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** A `ProxyMessage`, coded by proto-loader from the schema: nothing of our own codec. */
export interface SiloMessage {
  id: string;
  type: 'UNKNOWN' | 'PING' | 'PONG' | 'REQUEST' | 'RESPONSE';
  payload: Buffer;
  metadata: Record<string, string>;
}

const file = fileURLToPath(new URL('../../../../proto/proxy/proxy.proto', import.meta.url));
const loaded = loadPackageDefinition(loadSync(file, { keepCase: true, enums: String, defaults: true }));

/** `proxy.ProxyService` of proxy.proto. */
export const ProxyService = (loaded['proxy'] as GrpcObject)['ProxyService'] as ServiceClientConstructor;

export function siloMessage(over: Partial<SiloMessage>): SiloMessage {
  return { id: randomUUID(), type: 'UNKNOWN', payload: Buffer.alloc(0), metadata: {}, ...over };
}
