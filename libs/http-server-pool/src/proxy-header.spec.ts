import { crc32c } from './crc32c.js';
import { type ProxyVersions, readProxyHeader } from './proxy-header.js';

/** The PROXY protocol's specification, section 2.2. */
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4 = '0a000001c0000207' + '1267' + '01bb';

const read = (bytes: Buffer | string, versions: ProxyVersions = 'any') =>
  readProxyHeader(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, versions);

/** @param rest addresses and fields, in hex */
function v2(rest: string, kind = '11', command = '21'): Buffer {
  const length = (rest.length / 2).toString(16).padStart(4, '0');
  return Buffer.from(SIGNATURE + command + kind + length + rest, 'hex');
}

/** With its checksum in the last field. */
function summed(header: Buffer): Buffer {
  header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

describe('a PROXY header of version 1', () => {
  it.each([
    ['PROXY TCP4 10.0.0.1 192.0.2.7 4711 443\r\n', ['10.0.0.1', 4711, '192.0.2.7', 443]],
    [
      'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
      ['255.255.255.255', 65535, '255.255.255.255', 65535],
    ],
    ['PROXY TCP6 2001:DB8:0:0::1 ::1 0 1\r\n', ['2001:db8::1', 0, '::1', 1]],
    ['PROXY TCP6 ::ffff:192.0.2.1 ::FFFF:c000:207 1 2\r\n', ['192.0.2.1', 1, '192.0.2.7', 2]],
  ])('%j', (line, [remoteAddress, remotePort, localAddress, localPort]) => {
    const ends = { remoteAddress, remotePort, localAddress, localPort };
    expect(read(`${line}GET / HTTP/1.1\r\n`)).toEqual({ length: line.length, ends });
  });

  it.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ::1 ::1 1 2\r\n', `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`])(
    'names nobody: %j',
    (line) => {
      expect(read(line)).toEqual({ length: line.length, ends: undefined });
    },
  );

  it.each([
    'PROXY TCP4 10.0.0.1 192.0.2.7 4711\r\n',
    'PROXY TCP4 10.0.0.1 192.0.2.7 4711 443 \r\n',
    'PROXY TCP4  10.0.0.1 192.0.2.7 4711 443\r\n',
    'PROXY TCP4 10.0.0.1 192.0.2.7 4711 65536\r\n',
    'PROXY TCP4 10.0.0.1 192.0.2.7 04711 443\r\n',
    'PROXY TCP4 10.0.0.1 192.0.2.7 -1 443\r\n',
    'PROXY TCP4 10.0.0.01 192.0.2.7 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 10.0.0.1 192.0.2.7 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY UDP4 10.0.0.1 192.0.2.7 1 2\r\n',
    'PROXY tcp4 10.0.0.1 192.0.2.7 1 2\r\n',
    'PROXY / HTTP/1.1\r\nHost: a\r\n\r\n',
    'PROXY UNKNOWN \n\r\n',
    'PROXY \r\n',
    `PROXY UNKNOWN ${'f'.repeat(92)}\r\n`,
    `PROXY ${'f'.repeat(101)}`,
  ])('is refused: %j', (line) => {
    expect(() => read(line)).toThrow(/^its PROXY header /);
  });

  it('is partial until its last byte', () => {
    const line = 'PROXY TCP4 10.0.0.1 192.0.2.7 4711 443\r\n';
    for (let length = 1; length < line.length; length += 1) expect(read(line.slice(0, length))).toBeGreaterThan(length);
  });
});

describe('a PROXY header of version 2', () => {
  const ends = { remoteAddress: '10.0.0.1', remotePort: 4711, localAddress: '192.0.2.7', localPort: 443 };

  it('names both ends, whatever fields follow', () => {
    expect(read(Buffer.concat([v2(V4), Buffer.from('rest')]))).toEqual({ length: 28, ends });
    const fields = `${V4}040003aabbccee0000`;
    expect(read(v2(fields))).toEqual({ length: 37, ends });
    const v6 = '20010db8000000000000000000000001' + '00000000000000000000ffffc0000207' + '00010002';
    expect(read(v2(v6, '21'))).toMatchObject({
      length: 52,
      ends: { remoteAddress: '2001:db8::1', localAddress: '192.0.2.7', remotePort: 1, localPort: 2 },
    });
  });

  it.each([
    ['LOCAL', v2('', '00', '20')],
    ['LOCAL with addresses', v2(V4, '11', '20')],
    ['LOCAL with something', v2('ff', 'ee', '20')],
    ['of a kind that is not said', v2('', '00')],
    ['UDP', v2(V4, '12')],
    ['a Unix socket', v2('2f'.repeat(216), '31')],
  ])('names nobody: %s', (_, header) => {
    expect(read(header)).toEqual({ length: header.length, ends: undefined });
  });

  it('has its checksum checked, as the specification of CRC32c gives it', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    const header = summed(v2(`${V4}03000400000000`));
    expect(read(header)).toEqual({ length: 35, ends });
    header.writeUInt16BE(4712, 24);
    expect(() => read(header)).toThrow('the checksum of its PROXY header is wrong');
  });

  it.each([
    ['a version after it', v2(V4, '11', '31')],
    ['an unknown command', v2(V4, '11', '22')],
    ['an unknown kind', v2(V4, '13')],
    ['too short for its addresses', v2(V4.slice(2))],
    ['IPv6 in the length of IPv4', v2(V4, '21')],
    ['a field that is cut off', v2(`${V4}040004aabbcc`)],
    ['bytes behind the fields', v2(`${V4}0400`)],
    ['a checksum of three bytes', v2(`${V4}030003aabbcc`)],
    ['longer than 4096 bytes', v2('00'.repeat(4081))],
    ['longer than 4096 bytes, by its length alone', v2('00'.repeat(4081)).subarray(0, 16)],
  ])('is refused: %s', (_, header) => {
    expect(() => read(header)).toThrow(/^(its|the checksum of its) PROXY header /);
  });

  it('is partial until its last byte, and may have 4096', () => {
    const header = v2(`${V4}04${(4096 - 31).toString(16).padStart(4, '0')}${'00'.repeat(4096 - 31)}`);
    for (let length = 1; length < header.length; length += 1)
      expect(read(header.subarray(0, length))).toBeGreaterThan(length);
    expect(read(header)).toEqual({ length: 4096, ends });
  });
});

describe('what is no PROXY header', () => {
  it.each(['GET / HTTP/1.1\r\n', 'PRI * HTTP/2.0\r\n', 'PROXYX', '\r\nGET', '\x16\x03\x01', 'SSH-2.0-x\r\n'])(
    'is none: %j',
    (bytes) => {
      expect(read(bytes)).toBe('none');
    },
  );

  it('is a header of the version that is not taken', () => {
    expect(() => read('PROXY UNKNOWN\r\n', 'v2')).toThrow('it has a PROXY header of v1, and only v2 is taken');
    expect(() => read(v2(V4), 'v1')).toThrow('it has a PROXY header of v2, and only v1 is taken');
  });
});
