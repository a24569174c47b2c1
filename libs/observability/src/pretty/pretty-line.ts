import { cut, printable } from './printable.js';
import type { Style, StyleFormat } from './style.js';

/** A log line as an object. */
export interface LogRecord {
  readonly level: string;
  /** ISO 8601 */
  readonly time: string;
  readonly msg?: string;
  /** what it is about, in a word that stays; only some have it */
  readonly event?: string;
  readonly [field: string]: unknown;
}

const COLOURS: Readonly<Record<string, StyleFormat>> = { fatal: 'red', error: 'red', warn: 'yellow' };
/** Shown otherwise, or told by the terminal already. */
const LEFT_OUT = new Set(['level', 'time', 'msg', 'event', 'name', 'reason', 'err', 'problems']);
const MAX_VALUE = 300;
const MAX_MESSAGE = 2000;

/** Time of day of a record, here. */
export function clock({ time }: Pick<LogRecord, 'time'>, style: Style): string {
  return style('dim', new Date(time).toTimeString().slice(0, 8));
}

/**
 * A record on one line, without its end.
 *
 * @param stacks whether errors bring theirs, on further lines
 */
export function prettyLine(record: LogRecord, style: Style, stacks = false): string {
  const { level, msg = '', reason, err } = record;
  const label = level === 'info' ? '' : `${style(COLOURS[level] ?? 'dim', `${level}:`)} `;
  const why = typeof reason === 'string' && reason !== '' ? `: ${reason}` : '';
  const fault = messageIn(err);
  const text = `${msg}${why}${fault === '' || msg.includes(fault) ? '' : `: ${fault}`}`;
  const fields = Object.entries(record).flatMap(([key, value]) => (LEFT_OUT.has(key) ? [] : [field(key, value)]));
  const line = `${clock(record, style)} ${label}${cut(printable(text), MAX_MESSAGE)}`;
  const shown = fields.length === 0 ? line : `${line}  ${style('dim', fields.join(' '))}`;
  return stacks ? shown + stackOf(err) : shown;
}

function field(key: string, value: unknown): string {
  const text = typeof value === 'string' && !/[\s"]/.test(value) ? value : JSON.stringify(value);
  return `${printable(key)}=${cut(printable(text), MAX_VALUE)}`;
}

function messageIn(err: unknown): string {
  return typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : '';
}

function stackOf(err: unknown): string {
  if (typeof err !== 'object' || err === null || !('stack' in err)) return '';
  const [, ...frames] = String(err.stack).split('\n');
  return frames.map((frame) => `\n    ${printable(frame.trim())}`).join('');
}
