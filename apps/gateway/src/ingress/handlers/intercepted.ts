import type { FlatHeaders } from '@berth/exchange';
import { isFieldValue, isToken } from '@berth/http-rules';
import type { IngressRequest } from '../interceptor.js';

const TARGET = /^[\x21-\x7e\x80-\xff]+$/;

/**
 * A request as interceptors left it. Clients' heads have been through the parser;
 * what interceptors put in has not, and a line break in it would be a second header.
 *
 * @throws TypeError naming what is not HTTP
 */
export function checkRequest({ method, target, headers }: IngressRequest): void {
  if (!isToken(method)) throw new TypeError(`an interceptor made the method ${JSON.stringify(method)}`);
  if (!TARGET.test(target)) throw new TypeError(`an interceptor made the target ${JSON.stringify(target)}`);
  checkHeaders(headers);
}

/** @throws TypeError as {@link checkRequest} does */
export function checkHeaders(headers: FlatHeaders): void {
  if (headers.length % 2 !== 0) throw new TypeError('an interceptor left a header without a value');
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!isToken(name)) throw new TypeError(`an interceptor made the header name ${JSON.stringify(name)}`);
    if (!isFieldValue(headers[i + 1] as string))
      throw new TypeError(`an interceptor gave header ${name} an invalid value`);
  }
}
