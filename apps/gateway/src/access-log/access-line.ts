import { withoutQuery, withoutUserInfo } from '@berth/http-rules';
import type { AccessEntry } from './access-entry.js';
import type { LineBuffer } from './line-buffer.js';

/** No line is as long: it has at most four texts of clients, of which each character becomes six. */
export const MAX_LINE_BYTES = 65_536;

/**
 * Adds one line with all fields. What clients say is escaped to printable ASCII,
 * so that nothing of it can end a line, begin another field, or steer a terminal.
 *
 * @param query the target has its query
 */
export function jsonLine(to: LineBuffer, entry: AccessEntry, query: boolean): void {
  const { cut, durationMs, error, headMs, method, requestId, retries, startedAt, status, traceId, waitMs } = entry;
  to.text('{"name":"access","time":"').text(second(startedAt).iso);
  to.text(thousandth(startedAt)).text('Z","client":"').escaped(entry.client, jsonEscape);
  to.text('","agent":"').text(entry.agent).text('","service":"').text(entry.service);
  to.text('","port":').integer(entry.port);
  if (method !== '') {
    to.text(',"method":"').escaped(method, jsonEscape);
    to.text('","target":"').escaped(shown(entry.target, query), jsonEscape).text('"');
  }
  to.text(',"protocol":"').text(entry.protocol).text('"');
  if (status !== undefined) to.text(',"status":').integer(status);
  to.text(',"bytes_in":').integer(entry.bytesIn).text(',"bytes_out":').integer(entry.bytesOut);
  if (durationMs !== undefined) to.text(',"duration_ms":').millis(durationMs);
  if (headMs !== undefined) to.text(',"head_ms":').millis(headMs);
  if (waitMs !== undefined) to.text(',"wait_ms":').millis(waitMs);
  if (requestId !== undefined) to.text(',"request_id":"').text(requestId).text('"');
  if (retries > 0) to.text(',"retries":').integer(retries);
  if (error !== undefined) to.text(',"error":"').text(error).text('"');
  if (cut !== undefined) to.text(',"cut":"').text(cut).text('"');
  if (traceId !== undefined) to.text(',"trace_id":"').text(traceId).text('"');
  to.text('}\n');
}

/** The format that nginx and Apache call combined, with further fields as name=value behind it. @param query as in {@link jsonLine} */
export function combinedLine(to: LineBuffer, entry: AccessEntry, query: boolean): void {
  const { client, durationMs, headMs, method, protocol, status, waitMs } = entry;
  to.escaped(client === '' ? '-' : client, hexEscape)
    .text(' - - [')
    .text(second(entry.startedAt).clf);
  to.text(' +0000] "').escaped(method === '' ? '-' : method, hexEscape);
  if (method !== '') to.text(' ').escaped(shown(entry.target, query), hexEscape).text(' ').text(protocol);
  if (status === undefined) to.text('" - ');
  else to.text('" ').integer(status).text(' ');
  to.integer(entry.bytesOut);
  const referer = entry.header('referer');
  to.text(' "').escaped(referer === undefined ? '-' : shown(referer, query), hexEscape);
  to.text('" "').escaped(entry.header('user-agent') ?? '-', hexEscape);
  to.text('" agent=').text(entry.agent).text(' service=').text(entry.service).text(' port=').integer(entry.port);
  to.text(' protocol=').text(protocol).text(' in=').integer(entry.bytesIn);
  millisOrNone(to.text(' ms='), durationMs);
  millisOrNone(to.text(' head='), headMs);
  millisOrNone(to.text(' wait='), waitMs);
  to.text(' id=')
    .text(entry.requestId ?? '-')
    .text(' retries=')
    .integer(entry.retries);
  to.text(' error=')
    .text(entry.error ?? '-')
    .text(' cut=')
    .text(entry.cut ?? '-');
  to.text(' trace=')
    .text(entry.traceId ?? '-')
    .text('\n');
}

function millisOrNone(to: LineBuffer, ms: number | undefined): void {
  if (ms === undefined) to.text('-');
  else to.millis(ms);
}

/** Without its query where that is not wanted, and never with a password. */
function shown(target: string, query: boolean): string {
  return withoutUserInfo(query ? target : withoutQuery(target));
}

function jsonEscape(code: number): string {
  if (code === 0x22 || code === 0x5c) return `\\${String.fromCharCode(code)}`;
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** As nginx does. */
function hexEscape(code: number): string {
  return `\\x${(code & 0xff).toString(16).padStart(2, '0').toUpperCase()}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const last = { second: NaN, iso: '', clf: '' };

/** A time up to its second, in both formats; many lines have the same one. */
function second(ms: number): Readonly<typeof last> {
  const seconds = Math.floor(ms / 1000);
  if (seconds !== last.second) {
    const iso = new Date(ms).toISOString();
    last.second = seconds;
    last.iso = iso.slice(0, 20);
    last.clf = `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1] ?? ''}/${iso.slice(0, 4)}:${iso.slice(11, 19)}`;
  }
  return last;
}

const THOUSANDTHS = Array.from({ length: 1000 }, (_, ms) => String(ms).padStart(3, '0'));

function thousandth(ms: number): string {
  return THOUSANDTHS[ms % 1000] ?? '000';
}
