import { ExchangeKind, type FlatHeaders, type OpenHead } from '@berth/exchange';
import { Addressing, checkHostHeader, checkOriginUrl } from './addressing.js';
import { parseTarget } from './local-target.js';

const CLIENT = ['X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'gw.example:8101'];

function addressing(hostHeader: string, originUrl = '', target = 'http://localhost:3000'): Addressing {
  const it = Addressing.of(parseTarget(target), { hostHeader, originUrl });
  if (it === undefined) throw new Error('nothing is to be changed');
  return it;
}

function head(headers: FlatHeaders, target = '/'): OpenHead {
  return { kind: ExchangeKind.http, method: 'GET', target, headers, body: false };
}

describe('Addressing', () => {
  it('is not there where nothing is set, and for raw TCP', () => {
    expect(Addressing.of(parseTarget('http://a'), { hostHeader: 'keep', originUrl: '' })).toBeUndefined();
    expect(Addressing.of(parseTarget('tcp://a:1'), { hostHeader: 'target', originUrl: '' })).toBeUndefined();
  });

  it.each([
    ['target', 'http://localhost:3000', 'localhost:3000', 'http://localhost:3000'],
    ['target', 'https://Box.local', 'box.local', 'https://box.local'],
    ['target', 'h2c://[::1]:50051', '[::1]:50051', 'http://[::1]:50051'],
    ['target', 'unix:/run/app.sock', 'localhost', 'http://localhost'],
    ['app.test', 'http://localhost:3000', 'app.test', 'http://app.test'],
  ])('hostHeader %s with %s: Host is %s', (hostHeader, target, host, origin) => {
    const headers = ['A', '1', 'Host', 'gw.example:8101', 'Origin', 'https://gw.example:8101', ...CLIENT];
    const before = head(headers);
    const { headers: after } = addressing(hostHeader, '', target).request(before);
    expect(after).toEqual(['A', '1', 'Host', host, 'Origin', origin, ...CLIENT]);
    // Logs and retries have the head as it came.
    expect(before.headers).toBe(headers);
    expect(headers[3]).toBe('gw.example:8101');
  });

  it.each([
    ['Origin', 'https://gw.example:8101', 'http://localhost:3000'],
    ['origin', 'https://GW.example:8101', 'http://localhost:3000'],
    ['Referer', 'https://gw.example:8101/a?b=c', 'http://localhost:3000/a?b=c'],
    // What checks an origin must still see a foreign one.
    ['Origin', 'https://evil.example', 'https://evil.example'],
    ['Origin', 'https://gw.example:8101.evil.example', 'https://gw.example:8101.evil.example'],
    ['Origin', 'https://gw.example:8101@evil.example', 'https://gw.example:8101@evil.example'],
    ['Origin', 'http://gw.example:8101', 'http://gw.example:8101'],
    ['Origin', 'https://gw.example:8102', 'https://gw.example:8102'],
    ['Origin', 'null', 'null'],
    ['Referer', 'about:blank', 'about:blank'],
  ])('%s: %s becomes %s', (name, value, expected) => {
    const { headers } = addressing('target').request(head(['Host', 'gw.example:8101', name, value, ...CLIENT]));
    expect(headers.slice(2, 4)).toEqual([name, expected]);
  });

  it('a request without Host gets one, and an absolute target another authority', () => {
    expect(addressing('target').request(head([], 'http://gw.example:8101/a?b')).headers).toEqual([
      'Host',
      'localhost:3000',
    ]);
    expect(addressing('target').request(head(['Host', 'x'], 'http://gw.example:8101/a?b')).target).toBe(
      'http://localhost:3000/a?b',
    );
  });

  it.each([
    ['Location', 'http://localhost:3000/login?next=%2F', 'https://gw.example:8101/login?next=%2F'],
    ['location', 'https://LOCALHOST:3000', 'https://gw.example:8101'],
    ['Location', '//127.0.0.1:3000/x', 'https://gw.example:8101/x'],
    ['Content-Location', 'http://localhost:3000/x', 'https://gw.example:8101/x'],
    ['Refresh', '5; url=http://localhost:3000/x', '5; url=https://gw.example:8101/x'],
    ['Refresh', '5', '5'],
    ['Location', '/login', '/login'],
    ['Location', 'login', 'login'],
    ['Location', 'http://localhost:3001/', 'http://localhost:3001/'],
    ['Location', 'http://localhost:3000.evil.example/', 'http://localhost:3000.evil.example/'],
    [
      'Location',
      'https://login.example/?to=http://localhost:3000/',
      'https://login.example/?to=http://localhost:3000/',
    ],
    ['X-Other1', 'http://localhost:3000/', 'http://localhost:3000/'],
  ])('%s: %s becomes %s', (name, value, expected) => {
    const request = head(['Host', 'gw.example:8101', ...CLIENT]);
    expect(addressing('target').answer([name, value], request)).toEqual([name, expected]);
  });

  it('originUrl is what the service takes for its own, beside the target', () => {
    const it = addressing('keep', 'https://app.test');
    const request = head(['Host', 'gw.example:8101', ...CLIENT]);
    expect(it.request(request)).toBe(request);
    const locations = ['https://app.test/a', 'http://app.test:443/a', 'http://localhost:3000/a'];
    expect(locations.map((location) => it.answer(['Location', location], request)[1])).toEqual([
      'https://gw.example:8101/a',
      'http://app.test:443/a',
      'https://gw.example:8101/a',
    ]);
    const { headers } = addressing('target', 'https://app.test').request(
      head(['Host', 'gw.example:8101', 'Origin', 'https://gw.example:8101', ...CLIENT]),
    );
    expect(headers.slice(0, 4)).toEqual(['Host', 'localhost:3000', 'Origin', 'https://app.test']);
  });

  it.each([
    [['Host', 'gw:1'], '//gw:1/x'],
    [['Host', 'gw:1', 'X-Forwarded-Proto', 'javascript'], '//gw:1/x'],
    [['Host', 'gw:1', 'X-Forwarded-Host', 'first.example, second.example'], '//first.example/x'],
    [['Host', 'gw:1', 'X-Forwarded-Host', 'a b'], '/x'],
    [[], '/x'],
  ])('of a client that is known by %j a redirect leads to %s', (headers, expected) => {
    expect(addressing('target').answer(['Location', 'http://localhost:3000/x'], head(headers))[1]).toBe(expected);
  });

  it.each(['', 'http://a', 'a/b', 'a b', 'a@b', 'a\r\nX: y'])('hostHeader "%s" is refused', (value) => {
    expect(checkHostHeader(value)).toContain('must be keep, target, or a host');
  });

  it.each(['keep', 'target', 'localhost', 'localhost:3000', '[::1]:3000'])('hostHeader "%s" is taken', (value) => {
    expect(checkHostHeader(value)).toBeUndefined();
  });

  it.each(['app.test', 'ftp://a', 'https://a/b', 'https://u@a', 'https://a?b', 'https://a b', 'https://a:99999'])(
    'originUrl "%s" is refused',
    (value) => {
      expect(checkOriginUrl(value)).toContain('must be http://host:port or https://host:port');
    },
  );
});
