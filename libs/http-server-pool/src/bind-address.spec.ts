import { join } from 'node:path';
import fc from 'fast-check';
import { bindKey, parseBind } from './index.js';

describe('addresses to listen on', () => {
  it.each([
    ['127.0.0.1:3000', '127.0.0.1:3000'],
    ['localhost:3000', 'localhost:3000'],
    ['LocalHost:3000', 'localhost:3000'],
    ['api.internal:65535', 'api.internal:65535'],
    ['[::1]:3000', '[::1]:3000'],
    ['[0:0:0:0:0:0:0:1]:3000', '[::1]:3000'],
    ['[FE80::1%eth0]:80', '[fe80::1%eth0]:80'],
    ['127.0.0.1:0', '127.0.0.1:0'],
    ['127.0.0.1:8100-8199', '127.0.0.1:8100-8199'],
    [':8080', ':8080'],
    ['unix:/run/app.sock', 'unix:/run/app.sock'],
    ['/run/../run/app.sock', 'unix:/run/app.sock'],
    ['app.sock', `unix:${join(process.cwd(), 'app.sock')}`],
  ])('D1: %s has the key %s, and that one is an address again', (text, key) => {
    expect(bindKey(parseBind(text))).toBe(key);
    expect(bindKey(parseBind(key))).toBe(key);
  });

  it.each([
    ['', 'write host:port'],
    ['3000', 'write host:port'],
    ['localhost', 'write host:port'],
    ['::1:3000', 'write host:port'],
    ['[::1]', 'write host:port'],
    ['[1.2.3.4]:80', '"1.2.3.4" is no IPv6 address'],
    ['[::g]:80', '"::g" is no IPv6 address'],
    ['1.2.3:80', '"1.2.3" is no IPv4 address'],
    ['256.1.1.1:80', '"256.1.1.1" is no IPv4 address'],
    ['-bad-.example:80', '"-bad-.example" is no host name'],
    ['a b:80', '"a b" is no host name'],
    ['localhost:65536', 'port 65536 is above 65535'],
    ['localhost:-1', 'write host:port'],
    ['localhost:9-8', 'a range goes from'],
    ['localhost:0-8', 'a range goes from'],
    ['unix:', 'the path of the socket is missing'],
    [`/${'x'.repeat(107)}`, '107 bytes at most, this has 108'],
  ])('D1: "%s" is refused: %s', (text, why) => {
    expect(() => parseBind(text)).toThrow(
      expect.objectContaining({ code: 'BERTH_CONFIG_INVALID', message: expect.stringContaining(why) }) as Error,
    );
  });

  it('D1: whatever is accepted has a key that is an address with the same key', () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.domain(),
      fc.ipV6().map((it) => `[${it}]`),
    );
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
        const key = bindKey(parseBind(`${name}:${port}`));
        expect(bindKey(parseBind(key))).toBe(key);
      }),
    );
  });
});
