import { type FlatHeaders, headerValue } from '@berth/http-rules';
import type { OpenHead } from '@berth/exchange';

/** Of one connection in HTTP/1.1; in HTTP/2 they would make a message malformed (RFC 9113 section 8.2.2). */
const OF_ONE_HOP: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/**
 * The head of a request as HTTP/2 has it (RFC 9113 section 8.3.1): a flat list, names in lower case, order and
 * repeats as they came.
 *
 * @param origin of the target, such as `http://127.0.0.1:3000`
 */
export function h2RequestHead({ method, target, headers }: OpenHead, origin: string): FlatHeaders {
  const head = pseudoHeaders(method, pathOf(method, target), headers, origin);
  addFields(head, headers);
  return head;
}

/** A request for a WebSocket (RFC 8441 section 4). */
export function h2WebSocketHead({ target, headers }: OpenHead, origin: string): FlatHeaders {
  const head = pseudoHeaders('CONNECT', pathOf('GET', target), headers, origin);
  head.push(':protocol', 'websocket');
  addFields(head, headers, 'sec-websocket-key');
  return head;
}

/**
 * A head's fields without those that describe the message itself.
 *
 * @throws Error for one above `local.maxHeaderBytes`: that the service is told of it does not bind it
 */
export function fieldsOf(raw: readonly string[], maxHeaderBytes: number): FlatHeaders {
  const fields: FlatHeaders = [];
  let bytes = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    bytes += name.length + value.length;
    if (!name.startsWith(':')) fields.push(name, value);
  }
  if (bytes > maxHeaderBytes) throw new Error(`its head has ${bytes} bytes (local.maxHeaderBytes)`);
  return fields;
}

function pseudoHeaders(method: string, path: string, headers: FlatHeaders, origin: string): FlatHeaders {
  const separator = origin.indexOf('://');
  // A client of HTTP/1.0 may name no host.
  const authority = headerValue(headers, 'host') || origin.slice(separator + 3);
  if (NO_VALUE.test(method + path + authority)) throw new Error('the request line has a character that none may have');
  return [':method', method, ':scheme', origin.slice(0, separator), ':authority', authority, ':path', path];
}

// NUL would end the value within Node's http2, which looks at names alone (RFC 9113 section 8.2.1).

const NO_VALUE = /[\0\r\n]/;

function addFields(head: FlatHeaders, headers: FlatHeaders, without?: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (OF_ONE_HOP.has(name) || name === without) continue;
    const value = headers[i + 1] as string;
    if (NO_VALUE.test(value)) throw new Error(`the value of ${name} has a character that none may have`);
    if (name === 'te' && value !== 'trailers') continue;
    head.push(name, value);
  }
}

/** The path of a target; of an absolute one what stands behind the authority, which is in `Host` as well. */
function pathOf(method: string, target: string): string {
  if (target.startsWith('/') || target === '*') return target;
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(target)?.[1];
  if (path === undefined) throw new Error('a target without a path cannot be sent over HTTP/2');
  if (path === '') return method === 'OPTIONS' ? '*' : '/';
  return path.startsWith('/') ? path : `/${path}`;
}
