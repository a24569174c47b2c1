import { cut, printable, type Style } from '@berth/observability';
import type { AgentRequest } from '../session/watched-exchange.js';

/** Of a line, what is not the path, characters. */
const REST = 46;
const MIN_PATH = 20;
const MAX_PATH = 50;

/** What is said of a request: its query may hold secrets, and stays out. */
export type ShownRequest = Omit<AgentRequest, 'upgraded' | 'kind' | 'id' | 'errorMessage'> & {
  requestId: string;
  reason: string | undefined;
};

export function shownRequest(request: AgentRequest): ShownRequest {
  const { id, kind, path, method, errorMessage, service, status, durationMs, bytesIn, bytesOut, error } = request;
  const cutAt = path.indexOf('?');
  const shown = cutAt < 0 ? path : `${path.slice(0, cutAt)}?…`;
  return {
    service,
    method: kind === 'tcp' ? 'TCP' : method,
    path: shown,
    status,
    durationMs: Math.round(durationMs * 10) / 10,
    bytesIn,
    bytesOut,
    error,
    reason: errorMessage === '' ? undefined : errorMessage,
    requestId: id,
  };
}

/**
 * Method, path, status, duration and bytes (answer, and what was sent if anything), in columns.
 *
 * @param columns of the terminal
 * @param names whether the local service is named
 */
export function requestLine(request: ShownRequest, columns: number, names: boolean, style: Style): string {
  const { method, path, durationMs, bytesIn, bytesOut, service } = request;
  const width = Math.min(MAX_PATH, Math.max(MIN_PATH, columns - REST));
  const sent = bytesIn > 0 ? ` ↑ ${bytes(bytesIn)}` : '';
  const line = [
    style('bold', cut(printable(method), 7).padEnd(7)),
    cut(printable(path), width).padEnd(width),
    outcome(request, style),
    duration(durationMs).padStart(7),
    bytes(bytesOut).padStart(8) + sent,
  ].join(' ');
  return names ? `${line} ${style('dim', `(${service})`)}` : line;
}

function outcome({ error, reason, status }: ShownRequest, style: Style): string {
  if (error === undefined) {
    const text = status === undefined ? 'ok ' : String(status);
    return style(status === undefined || status < 400 ? 'green' : status < 500 ? 'yellow' : 'red', text);
  }
  if (error === 'cancelled') return style('yellow', `${status ?? '---'} client left`);
  const why = reason ?? error.replaceAll('_', ' ');
  return style('red', `${status ?? '---'} ${cut(printable(why), 80)}`);
}

export function duration(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : String(Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(count: number): string {
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value))} ${UNITS[unit] ?? ''}`;
}
