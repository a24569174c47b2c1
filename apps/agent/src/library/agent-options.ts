import { type DeepPartial, MAX_MS } from '@berth/config';
import { BerthError, messageOf } from '@berth/errors';
import { DEFAULT_SERVICE } from '@berth/exchange';
import type { Log } from '@berth/observability';
import { type AgentSettings, defaultAgentSettings } from '../agent-settings.js';
import { checkHandler, type Handler } from './handler.js';

/** Where requests go: a port of this machine, an address as the setting `target` has it, or a handler in this process. */
export type Target = number | string | URL | Handler;

type Own = 'target' | 'expose' | 'tls' | 'log';

/** What {@link startAgent} takes: its own options, and every setting of docs/configuration.md but those of the log. */
export interface AgentOptions extends DeepPartial<Omit<AgentSettings, Own>> {
  /** the local service, such as `3000`, `'https://127.0.0.1:8443'` or `'tcp://127.0.0.1:22'` */
  readonly target?: number | string | URL | undefined;
  /** instead of a target: what answers the requests in this process, without a port of its own */
  readonly handler?: Handler | undefined;
  /** further local services by their names (a-z 0-9 -), each with a port of its own at the gateway */
  readonly expose?: Readonly<Record<string, Target>> | undefined;
  /** TLS towards the gateway: `true` with the system's CAs, or the settings of it */
  readonly tls?: boolean | DeepPartial<AgentSettings['tls']> | undefined;
  /**
   * Time for the first registration, ms, 0 to 2147483647; then it is given up with `BERTH_START_TIMEOUT`.
   * 0: the agent tries until the gateway takes it. Default 30000
   */
  readonly timeoutMs?: number | undefined;
  /** ends the start, whose promise then rejects with its reason, and closes an agent that has started */
  readonly signal?: AbortSignal | undefined;
  /** takes the agent's log, such as a pino logger; without one nothing is logged */
  readonly log?: Log | undefined;
}

/** Options as they are used. */
export interface CheckedOptions {
  /** with {@link IN_PROCESS} as target where there is a handler */
  readonly settings: AgentSettings;
  /** by the names of their services */
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly log: Log | undefined;
}

/** Stands in for a handler's target until there is one. */
const IN_PROCESS = 'unix:/handler';

/** How the option that gives a service is called in messages. */
export function optionOf(service: string): string {
  return service === DEFAULT_SERVICE ? 'handler' : `expose.${service}`;
}

const TIMEOUT_MS = 30_000;
const LOG_METHODS = ['debug', 'info', 'warn', 'error'] as const;

/** @throws BerthError `BERTH_CONFIG_INVALID` with a line for each option that is wrong */
export function checkOptions(options: AgentOptions): CheckedOptions {
  const problems = new Map<string, string>();
  if (typeof options !== 'object' || (options as unknown) === null)
    throw new BerthError('BERTH_CONFIG_INVALID', 'options: must be an object, such as { target: 3000, id, gateway }');
  const { target, handler, expose, tls, timeoutMs = TIMEOUT_MS, signal, log, ...others } = options;

  const handlers = new Map<string, Handler>();
  const targets: Record<string, string> = {};
  for (const [name, its] of Object.entries(expose ?? {})) targets[name] = placeOf(name, its, handlers, problems);
  if (handler !== undefined) {
    placeOf(DEFAULT_SERVICE, handler, handlers, problems);
    if (target !== undefined) problems.set('handler', 'is given beside target; give one of them');
  } else if (target === undefined && Object.keys(targets).length === 0) {
    problems.set('target', 'is missing: give target, handler or expose');
  } else if (target !== undefined && !isAddress(target)) {
    const hint = checkHandler(target) === undefined ? '; a handler is given as handler' : '';
    problems.set('target', `must be a port, a text or a URL${hint}`);
  }

  const isTime = Number.isInteger(timeoutMs) && timeoutMs >= 0 && timeoutMs <= MAX_MS;
  if (!isTime) problems.set('timeoutMs', `must be a whole number from 0 to ${MAX_MS}`);
  if (signal !== undefined && !((signal as unknown) instanceof AbortSignal))
    problems.set('signal', 'must be an AbortSignal');
  if (log !== undefined && !LOG_METHODS.every((method) => typeof log[method] === 'function'))
    problems.set('log', `must be a logger with ${LOG_METHODS.join(', ')}`);

  const settings = settingsOf(problems, {
    ...others,
    target: handler === undefined ? textOf(target) : IN_PROCESS,
    expose: targets,
    tls: typeof tls === 'boolean' ? { enabled: tls } : tls,
  });
  return { settings, handlers, timeoutMs, signal, log };
}

/** The settings, unless something is wrong: with them, or with what is known to be wrong already. */
function settingsOf(problems: ReadonlyMap<string, string>, given: object): AgentSettings {
  let settings: AgentSettings | undefined;
  let lines: string[] = [];
  try {
    settings = defaultAgentSettings(given as Parameters<typeof defaultAgentSettings>[0]);
  } catch (thrown) {
    // Elsewhere they come from a file.
    const text = messageOf(thrown)
      .replaceAll('is no setting; the file has', 'is no option; there are handler, timeoutMs, signal,')
      .replaceAll('is no setting;', 'is no option;')
      .replace(': give --id, AGENT_ID or id in the file', '');
    lines = text.split('\n');
  }
  const own = [...problems].map(([option, what]) => `${option}: ${what}`);
  const others = lines.filter((line) => ![...problems.keys()].some((option) => line.startsWith(`${option}:`)));
  if (settings !== undefined && own.length === 0) return settings;
  throw new BerthError('BERTH_CONFIG_INVALID', [...own, ...others].join('\n'));
}

/** The target of a service, or what stands in for its handler. */
function placeOf(name: string, its: unknown, handlers: Map<string, Handler>, problems: Map<string, string>): string {
  if (isAddress(its)) return textOf(its);
  const what = checkHandler(its);
  if (what === undefined) handlers.set(name, its as Handler);
  else problems.set(optionOf(name), what);
  return IN_PROCESS;
}

function isAddress(value: unknown): value is number | string | URL {
  return typeof value === 'number' || typeof value === 'string' || value instanceof URL;
}

function textOf(target: unknown): string {
  return isAddress(target) ? String(target) : '';
}
