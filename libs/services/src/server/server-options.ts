import { ServerError } from '../errors.js';
import { MAX_MS, wholeNumber, wholeNumbers } from '../numbers.js';
import type { ServerTls } from './server-tls.js';

/** How a function server listens, and what it lets its callers cost. */
export interface FunctionServerOptions {
  /** address to listen on; default `127.0.0.1`: only this machine */
  readonly host?: string | undefined;
  /** absent: plaintext */
  readonly tls?: ServerTls | undefined;
  /** one request or reply, bytes: 1024..2^30, default 4 MiB */
  readonly maxMessageBytes?: number | undefined;
  /** calls that run at once: 1..1_000_000, default 1024 */
  readonly maxConcurrentCalls?: number | undefined;
  /** calls that wait for one of those to end, first come first served: 0..1_000_000, default 1024 */
  readonly maxQueuedCalls?: number | undefined;
  /**
   * Bytes of requests (being received, waiting, running) and of replies that
   * their callers have not taken, of all connections together; default 256 MiB,
   * at least `maxMessageBytes`. A compressed request counts as `maxMessageBytes`.
   */
  readonly maxHeldBytes?: number | undefined;
  /** connections at once; more are closed at once: 1..1_000_000, default 1024 */
  readonly maxConnections?: number | undefined;
  /** calls at once on one connection, which its client learns and keeps to: 1..1_000_000, default 1024 */
  readonly maxConcurrentStreams?: number | undefined;
  /** what HTTP/2 itself may hold for one connection, MiB: 1..65_536, default 64 */
  readonly maxSessionMemoryMiB?: number | undefined;
  /**
   * How long a request may take to arrive, and a reply to be taken, ms:
   * 1000..2^31-1, default 30 s, to within a second. Then the call is cut off.
   */
  readonly transferTimeoutMs?: number | undefined;
  /** how long `stop` lets running calls go on, ms: 0..2^31-1, default 30 s */
  readonly stopTimeoutMs?: number | undefined;
  /** a connection on which nothing is called is closed after it, ms: 1000..2^31-1, default 5 min */
  readonly maxConnectionIdleMs?: number | undefined;
  /** a connection that brings nothing is asked after it whether it is alive, ms: 1000..2^31-1, default 30 s */
  readonly keepaliveTimeMs?: number | undefined;
  /** and has this long to answer, ms: 100..2^31-1, default 10 s */
  readonly keepaliveTimeoutMs?: number | undefined;
  /** grpc.health.v1; default true */
  readonly health?: boolean | undefined;
  /** server reflection v1 and v1alpha, for grpcurl and its like; default true */
  readonly reflection?: boolean | undefined;
}

type Given = Omit<FunctionServerOptions, 'tls'>;
/** {@link FunctionServerOptions} with nothing left out. */
export type ServerSettings = { readonly [Name in keyof Given]-?: NonNullable<Given[Name]> } & Pick<
  FunctionServerOptions,
  'tls'
>;

const MIB = 1024 * 1024;
const MAX_COUNT = 1_000_000;

const NUMBERS = {
  maxMessageBytes: { default: 4 * MIB, least: 1024, most: 2 ** 30 },
  maxConcurrentCalls: { default: 1024, least: 1, most: MAX_COUNT },
  maxQueuedCalls: { default: 1024, least: 0, most: MAX_COUNT },
  maxHeldBytes: { default: 256 * MIB, least: 1024 },
  maxConnections: { default: 1024, least: 1, most: MAX_COUNT },
  maxConcurrentStreams: { default: 1024, least: 1, most: MAX_COUNT },
  maxSessionMemoryMiB: { default: 64, least: 1, most: 65_536 },
  transferTimeoutMs: { default: 30_000, least: 1000, most: MAX_MS },
  stopTimeoutMs: { default: 30_000, least: 0, most: MAX_MS },
  maxConnectionIdleMs: { default: 300_000, least: 1000, most: MAX_MS },
  keepaliveTimeMs: { default: 30_000, least: 1000, most: MAX_MS },
  keepaliveTimeoutMs: { default: 10_000, least: 100, most: MAX_MS },
};

/** @throws ServerError `BERTH_SERVICE_INVALID` naming the option that is out of range */
export function serverSettings(options: FunctionServerOptions): ServerSettings {
  const numbers = { ...wholeNumbers(options, NUMBERS, invalid) };
  if (options.maxHeldBytes === undefined)
    numbers.maxHeldBytes = Math.max(numbers.maxHeldBytes, numbers.maxMessageBytes);
  else if (numbers.maxHeldBytes < numbers.maxMessageBytes)
    throw invalid(
      `maxHeldBytes is ${numbers.maxHeldBytes}: it must be at least maxMessageBytes, ${numbers.maxMessageBytes}`,
    );
  const { host = '127.0.0.1', health = true, reflection = true, tls } = options;
  if (host === '') throw invalid("host is empty: name an address, such as '0.0.0.0' for all of them");
  return { ...numbers, host, health, reflection, tls };
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
