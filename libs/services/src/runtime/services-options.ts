import { type Log, silentLog } from '@berth/observability';
import { MAX_CONCURRENCY } from '../agents/agent-manager.js';
import type { InvocationBus } from '../bus/invocation-bus.js';
import type { ServiceClass } from '../definition/service-definition.js';
import { invalid } from '../errors.js';
import { MAX_MS, MAX_PARTITION, type NumberOptions, wholeNumbers } from '../numbers.js';
import type { ObjectStore } from '../objects/object-store.js';
import type { FunctionServerOptions } from '../server/server-options.js';
import { construct, type InstanceFactory } from './service-registry.js';
import { unfailing } from './unfailing-log.js';

const NUMBERS = {
  /** where agents and objects are when nobody says otherwise, 0..2^32-1; default 0 */
  defaultPartition: { default: 0, least: 0, most: MAX_PARTITION },
  /** time of a method that names none, retries included, ms, 1..2^31-1; default 30,000 */
  defaultTimeoutMs: { default: 30_000, most: MAX_MS },
  /** invocations of one agent that may run at once, 1..10,000; default 64 */
  agentConcurrency: { default: 64, most: MAX_CONCURRENCY },
  /** how long an agent that stops lets its calls end, ms, 0..2^31-1; default 30,000 */
  agentStopTimeoutMs: { default: 30_000, least: 0, most: MAX_MS },
  /** objects kept in memory between calls, 1..10,000,000; default 10,000. The least recently used idle one goes first */
  maxActiveObjects: { default: 10_000, most: 10_000_000 },
  /** calls that may wait for one object in this process, 0..1,000,000; default 1000 */
  maxQueuedPerObject: { default: 1000, least: 0, most: 1_000_000 },
  /** runs of a method after another writer saved its object first, 0..100; default 5 */
  conflictRetries: { default: 5, least: 0, most: 100 },
  /** how long replies are remembered by idempotency key, ms, 1..2^31-1; default 600,000 */
  rememberMs: { default: 600_000, most: MAX_MS },
};

/** What a runtime of services is made of. All of it has a default. */
export interface ServicesOptions extends NumberOptions<typeof NUMBERS> {
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
  /** where calls that failed, agents and the bus are told of; default: nowhere */
  readonly log?: Log;
}

export type ResolvedOptions = ReturnType<typeof resolveOptions>;

/** Options with their defaults. @throws ServicesError `BERTH_SERVICE_INVALID` one is out of its range */
export function resolveOptions(options: ServicesOptions) {
  const { mock = false, create = construct, log = silentLog } = options;
  const numbers = wholeNumbers(options, NUMBERS, (message) => invalid(`ServicesOptions: ${message}`));
  return { mock, create, log: unfailing(log), ...numbers };
}
