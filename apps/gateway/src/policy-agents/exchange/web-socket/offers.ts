import { BerthError } from '@berth/errors';
import type { FlatHeaders } from '@berth/exchange';
import { headerValues, removeHeader } from '@berth/http-rules';

const HEADER = 'Sec-WebSocket-Extensions';
const DEFLATE = 'permessage-deflate';

/** How one direction is compressed (RFC 7692). */
export interface Deflate {
  /** each message is compressed by itself */
  readonly noTakeover: boolean;
  /** 8 to 15 */
  readonly windowBits: number;
}

/** What client and service have agreed on. */
export interface Agreed {
  readonly client: Deflate;
  readonly server: Deflate;
}

/** The headers of an upgrade that offers no extension but compression: frames of others cannot be read. */
export function plainOffers(headers: FlatHeaders): FlatHeaders {
  const offers = offersIn(headers).filter((offer) => nameOf(offer) === DEFLATE);
  const changed = [...headers];
  removeHeader(changed, HEADER);
  if (offers.length > 0) changed.push(HEADER, offers.join(', '));
  return changed;
}

/**
 * What the head of a switch says of compression; undefined: there is none.
 *
 * @throws BerthError `BERTH_BAD_AGENT_RESPONSE` for extensions that were not offered, or not in a way that can be read
 */
export function agreedIn(headers: FlatHeaders): Agreed | undefined {
  const [extension, ...more] = offersIn(headers);
  if (extension === undefined) return undefined;
  if (more.length > 0 || nameOf(extension) !== DEFLATE) throw unknown(extension);
  const given = new Map<string, string>();
  for (const parameter of extension.split(';').slice(1)) {
    const [name = '', value = ''] = parameter.split('=', 2);
    given.set(name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1'));
  }
  const of = (end: string): Deflate => {
    const bits = given.get(`${end}_max_window_bits`) ?? '15';
    if (!/^(?:[89]|1[0-5])$/.test(bits)) throw unknown(extension);
    return { noTakeover: given.has(`${end}_no_context_takeover`), windowBits: Number(bits) };
  };
  return { client: of('client'), server: of('server') };
}

function offersIn(headers: FlatHeaders): string[] {
  const offers = headerValues(headers, HEADER).join(',').split(',');
  return offers.map((offer) => offer.trim()).filter((offer) => offer !== '');
}

function nameOf(offer: string): string {
  const [name = ''] = offer.split(';', 1);
  return name.trim().toLowerCase();
}

function unknown(extension: string): BerthError {
  const what = `the service answers an upgrade with an extension that cannot be inspected: ${extension.slice(0, 100)}`;
  return new BerthError('BERTH_BAD_AGENT_RESPONSE', what);
}
