import { BerthError } from '@berth/errors';
import { EVENT_KINDS, type EventKind } from '@berth/policy-agents';
import { HANDLERS, type PolicyAgentOptions, type PolicyHandlers } from './options.js';

/** Options with what was left out. */
export type Settings<State> = PolicyAgentOptions<State> &
  Required<Pick<PolicyAgentOptions<State>, 'id' | 'version' | 'state' | 'onError' | 'log' | keyof typeof NUMBERS>>;

const BY_HANDLER = {
  onRequest: true,
  onRequestBody: true,
  onResponse: true,
  onResponseBody: true,
  onFrame: true,
  onGuardrail: true,
  onComplete: true,
  onCancel: true,
  onConfigure: true,
} as const;

const OTHERS = new Set(
  [
    ...['name', 'id', 'version', 'listen', 'connect', 'connections', 'token', 'tls', 'state', 'onError'],
    ...['concurrency', 'maxWaiting', 'handlerTimeoutMs', 'maxExchanges', 'exchangeIdleMs', 'maxBodyBytes'],
    ...['preferredChunkBytes', 'reportIntervalMs', 'metrics', 'log'],
  ].concat(Object.keys(BY_HANDLER)),
);

/** Numbers: least, most, default. */
const NUMBERS = {
  connections: [1, 16, 1],
  concurrency: [1, 10_000, 100],
  maxWaiting: [0, 100_000, 1000],
  handlerTimeoutMs: [1, 600_000, 5000],
  maxExchanges: [1, 1_000_000, 10_000],
  exchangeIdleMs: [1000, 86_400_000, 3_600_000],
  maxBodyBytes: [1, 1 << 30, 10 * 1024 * 1024],
  preferredChunkBytes: [1024, 1 << 20, 64 * 1024],
  reportIntervalMs: [0, 3_600_000, 10_000],
} as const;

function wrong(message: string): BerthError {
  return new BerthError('BERTH_BAD_REQUEST', message);
}

function text(options: object, key: 'name' | 'id' | 'version', fallback: string): string {
  const value: unknown = key in options ? Reflect.get(options, key) : undefined;
  if (value === undefined) return fallback;
  if (typeof value !== 'string' || !/^[\x20-\x7e]{1,128}$/.test(value)) {
    throw wrong(`${key} must be 1 to 128 printable ASCII characters`);
  }
  return value;
}

/** @throws BerthError `BERTH_BAD_REQUEST` that names the option and what it must be */
export function settingsOf<State>(options: PolicyAgentOptions<State>): Settings<State> {
  for (const key of Object.keys(options)) {
    if (!OTHERS.has(key)) throw wrong(`there is no option ${JSON.stringify(key)}; there are ${[...OTHERS].join(', ')}`);
  }
  if (typeof options.name !== 'string') throw wrong('name is missing: what the agent is called, such as "paths"');
  const name = text(options, 'name', '');
  for (const key of [...Object.keys(BY_HANDLER), 'state', 'metrics', 'log'] as (keyof PolicyAgentOptions)[]) {
    const handler: unknown = Reflect.get(options, key);
    if (handler !== undefined && typeof handler !== 'function') throw wrong(`${key} must be a function`);
  }
  if (supportedEvents(options).size === 0) {
    throw wrong('there is no handler: give at least one, such as onRequest');
  }
  if (![undefined, 'block', 'allow'].includes(options.onError)) {
    throw wrong(`onError must be "block" or "allow", not ${JSON.stringify(options.onError)}`);
  }
  const numbers = Object.fromEntries(
    Object.entries(NUMBERS).map(([key, [min, max, fallback]]) => {
      const value = options[key as keyof typeof NUMBERS] ?? fallback;
      if (!Number.isInteger(value) || value < min || value > max) {
        throw wrong(`${key} must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`);
      }
      return [key, value];
    }),
  ) as Record<keyof typeof NUMBERS, number>;
  if (options.token !== undefined && (typeof options.token !== 'string' || options.token === '')) {
    throw wrong('token must be a text that is not empty');
  }
  if (options.token !== undefined && options.connect === undefined) {
    throw wrong('token goes with connect: gateways that dial the agent show it no token');
  }
  return {
    ...options,
    ...numbers,
    name,
    id: text(options, 'id', name),
    version: text(options, 'version', '0.0.0'),
    onError: options.onError ?? 'block',
    state: options.state ?? (() => ({}) as State),
    log: options.log ?? ((_level, message) => void process.stderr.write(`${name}: ${message}\n`)),
  };
}

/** Which handlers there are. */
type Given = { readonly [Name in keyof PolicyHandlers<unknown>]?: unknown };

/** What the agent says that it wants to see: what there is a handler for, and the end of what it remembers. */
export function supportedEvents(options: Given): ReadonlySet<EventKind> {
  const kinds = new Set(EVENT_KINDS.filter((kind) => options[HANDLERS[kind]] !== undefined));
  if (remembers(options) && kinds.size > 0) kinds.add('requestComplete');
  return kinds;
}

/** Whether an exchange can be seen more than once, so that its state has to be kept. */
export function remembers(options: Given): boolean {
  const { onRequestBody, onResponse, onResponseBody, onFrame, onComplete } = options;
  return [onRequestBody, onResponse, onResponseBody, onFrame, onComplete].some((handler) => handler !== undefined);
}
