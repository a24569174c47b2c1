import { STATUS_CODES } from 'node:http';
import type { DispatchSink } from './dispatch.js';
import type { FlatHeaders } from './flat-headers.js';

/**
 * Answers in place of the agent.
 *
 * @param fields of the head, without its framing
 * @param body undefined: none
 * @param headOnly the request was HEAD: the body's length is told, and nothing of it sent
 */
export function answer(sink: DispatchSink, status: number, fields: FlatHeaders, body?: Buffer, headOnly = false): void {
  const length = status === 204 || status === 304 ? [] : ['Content-Length', String(body?.length ?? 0)];
  const headers = [...fields, ...length, 'Date', new Date().toUTCString()];
  sink.head({ status, reason: STATUS_CODES[status] ?? '', headers });
  if (body !== undefined && body.length > 0 && !headOnly) sink.data(body);
  sink.end(undefined);
}
