import { proxyHeader } from './proxy-header.js';

/** the PROXY protocol's specification, section 2.2 */
const SIGNATURE = '0d0a0d0a000d0a515549540a';

const hex = (...headers: string[]): string => proxyHeader(headers).toString('hex');

describe('the header of the PROXY protocol, version 2', () => {
  it('names client and gateway over IPv4', () => {
    expect(hex('Forwarded', 'for="192.0.2.1:4711";by="198.51.100.7:8101"')).toBe(
      `${SIGNATURE}2111000cc0000201c63364071267${(8101).toString(16)}`,
    );
  });

  it.each([
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['::1', '00000000000000000000000000000001'],
    ['fe80::', 'fe800000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ])('over IPv6: %s', (address, bytes) => {
    expect(hex('x', 'y', 'forwarded', `for="[${address}]:1";by="[::1]:65535"`)).toBe(
      `${SIGNATURE}21210024${bytes}000000000000000000000000000000010001ffff`,
    );
  });

  it('writes both addresses as IPv6 where one of them is', () => {
    expect(hex('Forwarded', 'for="192.0.2.1:1";by="[::1]:2"')).toBe(
      `${SIGNATURE}2121002400000000000000000000ffffc00002010000000000000000000000000000000100010002`,
    );
  });

  it.each([
    [],
    ['Forwarded', 'for=unknown'],
    ['Forwarded', 'for="192.0.2.1:65536";by="192.0.2.1:1"'],
    ['Forwarded', 'for="a.example:1";by="192.0.2.1:1"'],
    ['Forwarded', 'for="[fe80::1%eth0]:1";by="[::1]:1"'],
    ['X-Other', 'Forwarded', 'for="192.0.2.1:1";by="192.0.2.1:1"'],
  ])('says that nothing is known: %j', (...headers) => {
    expect(hex(...headers)).toBe(`${SIGNATURE}20000000`);
  });
});
