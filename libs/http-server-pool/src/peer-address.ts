/** What an IPv4 peer of a dual-stack socket is called (RFC 4291 section 2.5.5.2). */
const MAPPED = '::ffff:';

/**
 * A peer's address as everybody else writes it: the IPv4 form where a dual-stack listener
 * shows an IPv4 peer as `::ffff:192.0.2.1`, and no zone, which means nothing on another host
 * and may not stand in `Forwarded` (RFC 7239 section 6). Issue 8, D24.
 *
 * @param address of `socket.remoteAddress`; undefined when the socket is gone
 * @returns an IPv4 or IPv6 address; empty when it is not known
 */
export function peerAddress(address: string | undefined): string {
  if (address === undefined) return '';
  if (address.startsWith(MAPPED) && address.includes('.')) return address.slice(MAPPED.length);
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}
