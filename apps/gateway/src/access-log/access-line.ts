import { withoutQuery } from '@berth/http-rules';
import type { AccessEntry } from './access-entry.js';

/** Longer targets and headers are cut: a line is for people and their tools. */
const MAX_CHARS = 2048;

/** Anything but printable ASCII, and what ends a quoted text. */
const UNSAFE = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/;
const UNSAFE_ALL = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g;

/**
 * One line with all fields. What clients say is escaped to printable ASCII, so
 * that nothing of it can end a line, begin another field, or steer a terminal.
 *
 * @param query the target has its query
 */
export function jsonLine(entry: AccessEntry, query: boolean): string {
  const { bytesIn, bytesOut, cut, durationMs, error, headMs, requestId, retries, status, traceId, waitMs } = entry;
  let line = `{"name":"access","time":"${isoTime(entry.startedAt)}","client":${json(entry.client)},"agent":"${entry.agent}","service":"${entry.service}","port":${entry.port}`;
  if (entry.method !== '') line += `,"method":${json(entry.method)},"target":${json(shown(entry.target, query))}`;
  line += `,"protocol":"${entry.protocol}"`;
  if (status !== undefined) line += `,"status":${status}`;
  line += `,"bytes_in":${bytesIn},"bytes_out":${bytesOut}`;
  if (durationMs !== undefined) line += `,"duration_ms":${micros(durationMs)}`;
  if (headMs !== undefined) line += `,"head_ms":${micros(headMs)}`;
  if (waitMs !== undefined) line += `,"wait_ms":${micros(waitMs)}`;
  if (requestId !== undefined) line += `,"request_id":"${requestId}"`;
  if (retries > 0) line += `,"retries":${retries}`;
  if (error !== undefined) line += `,"error":"${error}"`;
  if (cut !== undefined) line += `,"cut":"${cut}"`;
  if (traceId !== undefined) line += `,"trace_id":"${traceId}"`;
  return `${line}}\n`;
}

/** The format that nginx and Apache call combined, with further fields as name=value behind it. @param query as in {@link jsonLine} */
export function combinedLine(entry: AccessEntry, query: boolean): string {
  const { durationMs, headMs, method, protocol, requestId, traceId, waitMs } = entry;
  const request = method === '' ? '-' : `${quoted(method)} ${quoted(shown(entry.target, query))} ${protocol}`;
  const referer = entry.header('referer');
  const said = [
    `${entry.client === '' ? '-' : quoted(entry.client)} - - [${clfTime(entry.startedAt)}] "${request}"`,
    `${entry.status ?? '-'} ${entry.bytesOut}`,
    `"${referer === undefined ? '-' : quoted(shown(referer, query))}" "${quoted(entry.header('user-agent') ?? '-')}"`,
    `agent=${entry.agent} service=${entry.service} port=${entry.port} protocol=${protocol} in=${entry.bytesIn}`,
    `ms=${durationMs === undefined ? '-' : micros(durationMs)} head=${headMs === undefined ? '-' : micros(headMs)}`,
    `wait=${waitMs === undefined ? '-' : micros(waitMs)} id=${requestId ?? '-'} retries=${entry.retries}`,
    `error=${entry.error ?? '-'} cut=${entry.cut ?? '-'} trace=${traceId ?? '-'}`,
  ];
  return `${said.join(' ')}\n`;
}

/** Without its query where that is not wanted, and never with a password. */
function shown(target: string, query: boolean): string {
  const text = cut(query ? target : withoutQuery(target));
  return text.startsWith('/') ? text : text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}

function json(text: string): string {
  return UNSAFE.test(text) ? `"${cut(text).replace(UNSAFE_ALL, jsonEscape)}"` : `"${cut(text)}"`;
}

function jsonEscape(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function quoted(text: string): string {
  return UNSAFE.test(text) ? cut(text).replace(UNSAFE_ALL, hexEscape) : cut(text);
}

/** As nginx does. */
function hexEscape(character: string): string {
  return `\\x${(character.charCodeAt(0) & 0xff).toString(16).padStart(2, '0').toUpperCase()}`;
}

function cut(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}...` : text;
}

function micros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

let lastMs = -1;
let lastIso = '';

/** Many lines have the same time. */
function isoTime(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastIso = new Date(ms).toISOString();
  }
  return lastIso;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function clfTime(ms: number): string {
  const iso = isoTime(ms);
  return `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1] ?? ''}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}
