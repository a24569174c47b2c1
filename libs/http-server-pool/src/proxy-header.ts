import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { crc32c } from './crc32c.js';
import { peerAddress } from './peer-address.js';

/** Versions of the PROXY protocol that are taken. */
export type ProxyVersions = 'v1' | 'v2' | 'any';

/** Both ends of a connection, as its client sees it; addresses are IPv4 or IPv6, without zones. */
export interface ConnectionEnds {
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
}

/** A header of the PROXY protocol that is whole. */
export interface ProxyHeader {
  /** how long it is; what follows is the client's */
  length: number;
  /** undefined where it names none: the connection is the proxy's own, or of a kind without IP addresses */
  ends: ConnectionEnds | undefined;
}

const V1_START = Buffer.from('PROXY ');
/** Longest line of version 1, its end included. */
const V1_MAX_BYTES = 107;
const V1_LINE = /^PROXY (?:UNKNOWN(?: .*)?|TCP([46]) (\S+) (\S+) (\d+) (\d+))$/;
const V1_PORT = /^(?:0|[1-9]\d{0,4})$/;

const V2_START = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V2_FIXED_BYTES = 16;
/** What is taken of version 2; real headers have less than 1 KB, with the name of a TLS client's certificate. */
const V2_MAX_BYTES = 4096;
const V2_LOCAL = 0;
const V2_PROXY = 1;
/** Bytes of addresses and ports by kind of connection; of those without IP addresses or TCP the addresses are not used. */
const V2_ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x11, 12],
  [0x12, 12],
  [0x21, 36],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
]);
const V2_UNSPECIFIED = 0x00;
const V2_TCP_OVER_IPV4 = 0x11;
const V2_TCP_OVER_IPV6 = 0x21;
/** Type of the field with a checksum of the header. */
const V2_CRC32C = 0x03;

/**
 * Reads the header with which a proxy says whose connection it passes on: the PROXY protocol of HAProxy, section 2.
 *
 * @param bytes first bytes of the connection, one at least
 * @returns a number: so many bytes are needed at least; `none`: they begin no header
 * @throws Error that says what is wrong with the header
 */
export function readProxyHeader(bytes: Buffer, versions: ProxyVersions): ProxyHeader | number | 'none' {
  const version = begins(bytes, V1_START) ? 'v1' : begins(bytes, V2_START) ? 'v2' : undefined;
  if (version === undefined) return 'none';
  if (versions !== 'any' && versions !== version && bytes.length >= V1_START.length)
    throw new Error(`it has a PROXY header of ${version}, and only ${versions} is taken`);
  return version === 'v1' ? readV1(bytes) : readV2(bytes);
}

/** As far as there are bytes. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function readV1(bytes: Buffer): ProxyHeader | number {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf('\r\n');
  if (end === -1) {
    if (bytes.length < V1_MAX_BYTES) return bytes.length + 1;
    throw new Error(`its PROXY header has no end within ${V1_MAX_BYTES} bytes`);
  }
  const length = end + 2;
  const [line, family, from = '', to = '', fromPort = '', toPort = ''] =
    V1_LINE.exec(bytes.toString('latin1', 0, end)) ?? [];
  if (line === undefined) throw new Error('its PROXY header of v1 cannot be read');
  if (family === undefined) return { length, ends: undefined };
  const isOf = family === '4' ? isIPv4 : isPlainIPv6;
  if (!isOf(from) || !isOf(to)) throw new Error(`its PROXY header has an address that is not of TCP${family}`);
  const ports = [fromPort, toPort].map((text) => (V1_PORT.test(text) ? Number(text) : Infinity)) as [number, number];
  if (Math.max(...ports) > 65_535) throw new Error('its PROXY header has a port that is none');
  return { length, ends: endsOf(from, to, ...ports) };
}

function readV2(bytes: Buffer): ProxyHeader | number {
  if (bytes.length < V2_FIXED_BYTES) return bytes.length + 1;
  const command = bytes.readUInt8(12);
  const kind = bytes.readUInt8(13);
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (command >> 4 !== 2) throw new Error('its PROXY header is of a version after v2');
  if (length > V2_MAX_BYTES) throw new Error(`its PROXY header is longer than ${V2_MAX_BYTES} bytes`);
  if (bytes.length < length) return length;
  // The proxy's own connection, a health check for example: whatever else the header says is skipped.
  if ((command & 15) === V2_LOCAL) return { length, ends: undefined };
  if ((command & 15) !== V2_PROXY) throw new Error('its PROXY header has an unknown command');
  if (kind === V2_UNSPECIFIED) return { length, ends: undefined };
  const addressBytes = V2_ADDRESS_BYTES.get(kind);
  if (addressBytes === undefined) throw new Error('its PROXY header has an unknown kind of address');
  const fields = V2_FIXED_BYTES + addressBytes;
  if (fields > length) throw new Error('its PROXY header is too short for its addresses');
  checkFields(bytes.subarray(0, length), fields);
  if (kind !== V2_TCP_OVER_IPV4 && kind !== V2_TCP_OVER_IPV6) return { length, ends: undefined };
  const half = (addressBytes - 4) / 2;
  const [from, to] = [V2_FIXED_BYTES, V2_FIXED_BYTES + half].map((at) => textOf(bytes.subarray(at, at + half)));
  const ends = endsOf(from as string, to as string, bytes.readUInt16BE(fields - 4), bytes.readUInt16BE(fields - 2));
  return { length, ends };
}

/** Whether the fields behind the addresses end where the header does, and its checksum is right where it has one. */
function checkFields(header: Buffer, start: number): void {
  let at = start;
  while (at + 3 <= header.length) {
    const type = header.readUInt8(at);
    const value = at + 3;
    at = value + header.readUInt16BE(value - 2);
    if (type !== V2_CRC32C) continue;
    if (at !== value + 4 || at > header.length) throw new Error('its PROXY header has a checksum of a wrong length');
    const own = Buffer.from(header).fill(0, value, at);
    if (crc32c(own) !== header.readUInt32BE(value)) throw new Error('the checksum of its PROXY header is wrong');
  }
  if (at !== header.length) throw new Error('its PROXY header has a field that is cut off');
}

function endsOf(from: string, to: string, remotePort: number, localPort: number): ConnectionEnds {
  return { remoteAddress: canonical(from), remotePort, localAddress: canonical(to), localPort };
}

/** One address has one text, however it came: rules and limits compare texts. */
function canonical(address: string): string {
  if (isIPv4(address)) return address;
  return peerAddress(new SocketAddress({ address, family: 'ipv6' }).address);
}

function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function textOf(address: Buffer): string {
  if (address.length === 4) return address.join('.');
  return Array.from({ length: 8 }, (_, group) => address.readUInt16BE(group * 2).toString(16)).join(':');
}
