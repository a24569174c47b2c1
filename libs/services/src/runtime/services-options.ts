import { type Log, silentLog } from '@berth/observability';
import { MAX_CONCURRENCY } from '../agents/agent-manager.js';
import type { InvocationBus } from '../bus/invocation-bus.js';
import type { ServiceClass } from '../definition/service-definition.js';
import { invalid } from '../errors.js';
import { MAX_MS, MAX_PARTITION, wholeNumbers } from '../numbers.js';
import type { ObjectStore } from '../objects/object-store.js';
import type { FunctionServerOptions } from '../server/server-options.js';
import { construct, type InstanceFactory } from './service-registry.js';

/** What a runtime of services is made of. All of it has a default. */
export interface ServicesOptions {
  /** the decorated classes to serve; default: all that are decorated when a server or an agent starts */
  readonly services?: readonly ServiceClass[];
  /** everything in memory, no sockets (checklist B15); default false */
  readonly mock?: boolean;
  /** carries calls to agents; default: in memory. One that is given stays its owner's to close */
  readonly bus?: InvocationBus | undefined;
  /** keeps the state of objects; default: in memory. One that is given stays its owner's to close */
  readonly store?: ObjectStore | undefined;
  /** the function server's limits, TLS, address */
  readonly server?: FunctionServerOptions;
  /** makes instances; default `new Class()` */
  readonly create?: InstanceFactory;
  /** where agents and objects are when nobody says otherwise, 0..2^32-1; default 0 */
  readonly defaultPartition?: number;
  /** time of a method that names none, retries included, ms, 1..2^31-1; default 30,000 */
  readonly defaultTimeoutMs?: number;
  /** invocations of one agent that may run at once, 1..10,000; default 64 */
  readonly agentConcurrency?: number;
  /** how long an agent that stops lets its calls end, ms, 0..2^31-1; default 30,000 */
  readonly agentStopTimeoutMs?: number;
  /** objects kept in memory between calls, 1..10,000,000; default 10,000 */
  readonly maxActiveObjects?: number;
  /** calls that may wait for one object in this process, 0..1,000,000; default 1000 */
  readonly maxQueuedPerObject?: number;
  /** runs of a method after another writer saved its object first, 0..100; default 5 */
  readonly conflictRetries?: number;
  /** how long replies are remembered by idempotency key, ms, 1..2^31-1; default 600,000 */
  readonly rememberMs?: number;
  /** where calls that failed, agents and the bus are told of; default: nowhere */
  readonly log?: Log;
}

export type ResolvedOptions = Required<Omit<ServicesOptions, 'services' | 'bus' | 'store' | 'server'>>;

const NUMBERS = {
  defaultPartition: { default: 0, least: 0, most: MAX_PARTITION },
  defaultTimeoutMs: { default: 30_000, most: MAX_MS },
  agentConcurrency: { default: 64, most: MAX_CONCURRENCY },
  agentStopTimeoutMs: { default: 30_000, least: 0, most: MAX_MS },
  maxActiveObjects: { default: 10_000, most: 10_000_000 },
  maxQueuedPerObject: { default: 1000, least: 0, most: 1_000_000 },
  conflictRetries: { default: 5, least: 0, most: 100 },
  rememberMs: { default: 600_000, most: MAX_MS },
};

/** Options with their defaults. @throws ServicesError `BERTH_SERVICE_INVALID` one is out of its range */
export function resolveOptions(options: ServicesOptions): ResolvedOptions {
  const { mock = false, create = construct, log = silentLog } = options;
  const numbers = wholeNumbers(options, NUMBERS, (message) => invalid(`ServicesOptions: ${message}`));
  return { mock, create, log, ...numbers };
}
