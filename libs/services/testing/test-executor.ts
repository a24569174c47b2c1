import { silentLog } from '@berth/observability';
import { type Invocation, type InvocationReply, nextInvocationId } from '../src/invocation/invocation.js';
import { Executor } from '../src/invocation/executor.js';
import { decodeResult } from '../src/invocation/payload.js';
import type { ServiceClass } from '../src/definition/service-definition.js';
import { MemoryStore } from '../src/objects/memory-store.js';
import { ObjectHost, type ObjectHostOptions } from '../src/objects/object-host.js';
import type { ObjectStore } from '../src/objects/object-store.js';
import { construct, type InstanceFactory, ServiceRegistry } from '../src/runtime/service-registry.js';

/** An executor with all that it needs, in memory. */
export function testExecutor(
  services: readonly ServiceClass[],
  given: { store?: ObjectStore; defaultTimeoutMs?: number; create?: InstanceFactory } & Partial<ObjectHostOptions> = {},
) {
  const options = {
    ...{ maxActiveObjects: 100, maxQueuedPerObject: 100, conflictRetries: 5, rememberMs: 60_000 },
    defaultTimeoutMs: 5000,
    ...given,
  };
  const store = given.store ?? new MemoryStore();
  const registry = new ServiceRegistry();
  for (const service of services) registry.add(service, given.create ?? construct);
  const objects = new ObjectHost(store, options);
  const executor = new Executor(registry, objects, store, options, silentLog);
  const call = (method: string, more: Partial<Invocation> = {}): Promise<InvocationReply> =>
    executor.handle(invocation(method, more), 'server');
  return { executor, objects, store, registry, call };
}

/** A call of `test.Sample` unless it says otherwise. */
export function invocation(method: string, more: Partial<Invocation> = {}): Invocation {
  const id = nextInvocationId();
  return { id, service: 'test.Sample', method, partition: 0, payload: new Uint8Array(0), options: {}, ...more };
}

export const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** What a reply says: its value, or the error's body. */
export const valueOf = (reply: InvocationReply): unknown => decodeResult(reply);
