import { ServerError } from '../errors.js';
import { MAX_MS, type NumberOptions, wholeNumber, wholeNumbers } from '../numbers.js';
import { CONNECTION_LIMITS } from '../wire/ends.js';
import type { ServerTls } from './server-tls.js';

const MIB = 1024 * 1024;
const MAX_COUNT = 1_000_000;

const LIMITS = {
  ...CONNECTION_LIMITS,
  /** calls that run at once: 1..1_000_000, default 1024 */
  maxConcurrentCalls: { default: 1024, least: 1, most: MAX_COUNT },
  /** calls that wait for one of those to end, first come first served: 0..1_000_000, default 1024 */
  maxQueuedCalls: { default: 1024, least: 0, most: MAX_COUNT },
  /**
   * Bytes of requests (being received, waiting, running) and of replies that
   * their callers have not taken, of all connections together; default 256 MiB,
   * at least `maxMessageBytes`. A compressed request counts as `maxMessageBytes`.
   */
  maxHeldBytes: { default: 256 * MIB, least: 1024 },
  /** connections at once; more are closed at once: 1..1_000_000, default 1024 */
  maxConnections: { default: 1024, least: 1, most: MAX_COUNT },
  /** calls at once on one connection, which its client learns and keeps to: 1..1_000_000, default 1024 */
  maxConcurrentStreams: { default: 1024, least: 1, most: MAX_COUNT },
  /** what HTTP/2 itself may hold for one connection, MiB: 1..65_536, default 64 */
  maxSessionMemoryMiB: { default: 64, least: 1, most: 65_536 },
  /**
   * How long a request may take to arrive, and a reply to be taken, ms:
   * 1000..2^31-1, default 30 s, to within a second. Then the call is cut off.
   */
  transferTimeoutMs: { default: 30_000, least: 1000, most: MAX_MS },
  /** how long `stop` lets running calls go on, ms: 0..2^31-1, default 30 s */
  stopTimeoutMs: { default: 30_000, least: 0, most: MAX_MS },
  /** a connection on which nothing is called is closed after it, ms: 1000..2^31-1, default 5 min */
  maxConnectionIdleMs: { default: 300_000, least: 1000, most: MAX_MS },
};

/** How a function server listens, and what it lets its callers cost. */
export interface FunctionServerOptions extends NumberOptions<typeof LIMITS> {
  /** address to listen on; default `127.0.0.1`: only this machine */
  readonly host?: string | undefined;
  /** absent: plaintext */
  readonly tls?: ServerTls | undefined;
  /** grpc.health.v1; default true */
  readonly health?: boolean | undefined;
  /** server reflection v1 and v1alpha, for grpcurl and its like; default true */
  readonly reflection?: boolean | undefined;
}

/** {@link FunctionServerOptions} with nothing left out. */
export type ServerSettings = ReturnType<typeof serverSettings>;

/** @throws ServerError `BERTH_SERVICE_INVALID` naming the option that is out of range */
export function serverSettings(options: FunctionServerOptions) {
  const numbers = wholeNumbers(options, LIMITS, invalid);
  const { host = '127.0.0.1', health = true, reflection = true, tls } = options;
  const { maxMessageBytes, maxHeldBytes } = numbers;
  if (options.maxHeldBytes !== undefined && maxHeldBytes < maxMessageBytes)
    throw invalid(`maxHeldBytes is ${maxHeldBytes}: it must be at least maxMessageBytes, ${maxMessageBytes}`);
  checkHost(host);
  return { ...numbers, maxHeldBytes: Math.max(maxHeldBytes, maxMessageBytes), host, health, reflection, tls };
}

/** Without a name Node listens on all addresses. @throws ServerError `BERTH_SERVICE_INVALID` */
export function checkHost(host: string): void {
  if (host === '') throw invalid("host is empty: name an address, such as '0.0.0.0' for all of them");
}

/** @throws ServerError `BERTH_FUNCTION_SERVER_FAILED` */
export function checkPort(port: number): void {
  const refusing = (message: string): ServerError =>
    new ServerError('BERTH_FUNCTION_SERVER_FAILED', message, { port: String(port) });
  wholeNumber('port', port, 0, 65_535, refusing);
}

/** @throws ServerError `BERTH_SERVICE_INVALID` */
export function checkStopTimeout(timeoutMs: number): void {
  wholeNumber('timeoutMs of stop', timeoutMs, 0, MAX_MS, invalid);
}

function invalid(message: string): ServerError {
  return new ServerError('BERTH_SERVICE_INVALID', `function server: ${message}`);
}
