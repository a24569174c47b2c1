import type { FlatHeaders } from '@berth/exchange';

/** A request head of HTTP/2, taken apart. */
export interface RequestFields {
  method: string;
  /** empty in an ordinary CONNECT */
  path: string;
  /** of `:authority`; undefined: there was none */
  authority: string | undefined;
  /** of an extended CONNECT (RFC 8441) */
  protocol: string | undefined;
  /** without pseudo-header fields, the crumbs of `cookie` joined (RFC 9113 section 8.2.3) */
  fields: FlatHeaders;
}

/** @param raw as received: name, value, name, value …, names in lower case */
export function requestFields(raw: readonly string[]): RequestFields {
  const head: RequestFields = { method: '', path: '', authority: undefined, protocol: undefined, fields: [] };
  const { fields } = head;
  let cookie = -1;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    if (name.startsWith(':')) takePseudo(head, name, value);
    else if (name !== 'cookie') fields.push(name, value);
    else if (cookie === -1) cookie = fields.push(name, value) - 1;
    else fields[cookie] = `${fields[cookie] as string}; ${value}`;
  }
  return head;
}

function takePseudo(head: RequestFields, name: string, value: string): void {
  switch (name) {
    case ':method':
      head.method = value;
      break;
    case ':path':
      head.path = value;
      break;
    case ':authority':
      head.authority = value;
      break;
    case ':protocol':
      head.protocol = value;
      break;
    default:
    // The scheme is that of the connection, whatever the client says.
  }
}
