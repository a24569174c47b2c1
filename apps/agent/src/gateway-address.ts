import { isPort } from '@berth/config';

const HOST_AND_PORT = /^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(\d{1,5})$/;

/** `_service._tcp.domain` (RFC 2782): labels of letters, digits and `-`, such as RFC 1035 section 2.3.1 has them, and `_`. */
const SRV_NAME = /^_[a-z0-9-]{1,62}\._tcp(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+\.?$/i;
const MAX_NAME_CHARS = 253;

const SRV = 'srv:';

/** What `gateway` may be, for messages. */
const HOST_AND_PORT_RULE =
  'must be host:port, without a scheme, such as gateway.example.org:9090, or srv:_berth._tcp.example.org';
const SRV_RULE = 'must be srv:_service._tcp.domain, without a port, such as srv:_berth._tcp.example.org, or host:port';

/** Whether something can be dialled as `host:port`. */
export function isHostAndPort(value: string): boolean {
  return isPort(Number(HOST_AND_PORT.exec(value)?.[2] ?? 0));
}

/**
 * The name whose SRV records say where the gateway is.
 *
 * @returns nothing for `host:port`
 */
export function srvNameOf(gateway: string): string | undefined {
  // A host may be called srv.
  return gateway.startsWith(SRV) && !isHostAndPort(gateway) ? gateway.slice(SRV.length) : undefined;
}

/** Where the gateway is: `host:port`, or `srv:` and the name of SRV records. */
export function checkGateway(value: string): string | undefined {
  const name = srvNameOf(value);
  if (name === undefined) return isHostAndPort(value) ? undefined : HOST_AND_PORT_RULE;
  return SRV_NAME.test(name) && name.replace(/\.$/, '').length <= MAX_NAME_CHARS ? undefined : SRV_RULE;
}
