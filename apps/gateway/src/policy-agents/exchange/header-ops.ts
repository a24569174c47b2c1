import type { FlatHeaders } from '@berth/exchange';
import { appendHeader, FRAMING, isFieldValue, isHost, isToken, removeHeader, setHeader } from '@berth/http-rules';
import type { HeaderOp } from '@berth/policy-agents';

/** Whoever sets them breaks messages, or an upgrade. */
const UNCHANGEABLE: ReadonlySet<string> = new Set([
  ...[...FRAMING, 'expect', 'http2-settings', 'sec-websocket-key', 'sec-websocket-accept'],
  ...['sec-websocket-extensions', 'sec-websocket-protocol', 'sec-websocket-version'],
]);

/** What is wrong with an agent's changes to headers; always the same text for the same fault. */
export function faultOf(ops: readonly HeaderOp[]): string | undefined {
  for (const one of ops) {
    const value = one.op === 'remove' ? '' : one.value;
    if (!isToken(one.name) || !isFieldValue(value)) return 'a header that HTTP does not allow';
    const name = one.name.toLowerCase();
    if (UNCHANGEABLE.has(name)) return 'a header that says where messages end or go';
    // Setting it twice leaves one as well; none, or two, is no request.
    if (name === 'host' && !(one.op === 'set' && isHost(value))) return 'a Host that is no host';
  }
  return undefined;
}

/** Characters that changes add at the most. */
export function sizeOf(ops: readonly HeaderOp[]): number {
  return ops.reduce((sum, one) => sum + one.name.length + (one.op === 'remove' ? 0 : one.value.length), 0);
}

/** A new list with changes that {@link faultOf} has found right. */
export function withOps(headers: FlatHeaders, ops: readonly HeaderOp[]): FlatHeaders {
  if (ops.length === 0) return headers;
  const changed = [...headers];
  for (const one of ops) {
    if (one.op === 'set') setHeader(changed, one.name, one.value);
    else if (one.op === 'add') appendHeader(changed, one.name, one.value);
    else removeHeader(changed, one.name);
  }
  return changed;
}
