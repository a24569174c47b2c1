import { headerValue, withoutHeader } from './flat-headers.js';
import { FramingError, relayHead, relayTrailers } from './headers.js';
import { authorityOf, isHost } from './host.js';
import { forbidsLength, isBodiless, isIdempotent } from './methods.js';
import { carriesHttp, upgradeProtocols, withoutHttpUpgrades } from './upgrade.js';

describe('relayHead', () => {
  it('keeps order, case, repeats and empty values of what is end to end', () => {
    const raw = ['X-B', '1', 'x-b', '2', 'Host', 'h', 'X-Empty', '', 'X-B', '3', 'Content-Length', '5'];
    const head = relayHead(raw, false);
    expect(head.headers).toEqual(raw);
    expect(head).toMatchObject({ contentLength: 5, chunked: false, hosts: 1, host: 'h' });
  });

  it('leaves the headers of this hop behind, and those that Connection names', () => {
    const raw = ['Connection', 'close, X-A', 'X-A', '1', 'Keep-Alive', 'timeout=5', 'connection', 'x-b', 'X-B', '1'];
    expect(relayHead([...raw, 'Upgrade', 'x', 'Proxy-Connection', 'x', 'X-C', '1'], false).headers).toEqual([
      'X-C',
      '1',
    ]);
  });

  it('keeps what routes and frames, even when Connection names it', () => {
    const raw = ['Connection', 'host, content-length, trailer', 'Host', 'h', 'Content-Length', '5', 'Trailer', 'X'];
    expect(relayHead(raw, false).headers).toEqual(raw.slice(2));
  });

  it('says what an upgrade needs anew, and still leaves out what Connection names', () => {
    const raw = ['Connection', 'keep-alive, Upgrade, X-A', 'X-A', '1', 'Upgrade', 'websocket'];
    expect(relayHead(raw, true).headers).toEqual(['Connection', 'Upgrade', 'Upgrade', 'websocket']);
  });

  it.each([
    [
      ['X-A', '1', 'connection', 'upgrade', 'X-B', '2', 'Upgrade', 'a/1'],
      ['X-A', '1', 'connection', 'upgrade', 'X-B', '2', 'Upgrade', 'a/1'],
    ],
    [
      ['Connection', 'close', 'Upgrade', 'a', 'Connection', 'X-A, Upgrade', 'Connection', 'upgrade'],
      ['Upgrade', 'a', 'Connection', 'Upgrade'],
    ],
    [
      ['Upgrade', 'a', 'X-A', '1'],
      ['Upgrade', 'a', 'X-A', '1', 'Connection', 'Upgrade'],
    ],
  ])('keeps Connection where it was in an upgrade: %j', (raw, kept) => {
    expect(relayHead(raw, true).headers).toEqual(kept);
  });

  it('leaves the settings of HTTP/2 out of everything', () => {
    expect(relayHead(['http2-settings', 'x'], false).headers).toEqual([]);
    expect(relayHead(['HTTP2-Settings', 'x', 'Upgrade', 'a', 'Connection', 'Upgrade'], true).headers).toEqual([
      ...['Upgrade', 'a', 'Connection', 'Upgrade'],
    ]);
  });

  it.each([
    ['trailers', ['TE', 'trailers']],
    ['Trailers, deflate;q=0.5', ['TE', 'trailers']],
    ['gzip', []],
    ['xtrailers', []],
  ])('of TE: %s', (value, kept) => {
    expect(relayHead(['TE', value], false).headers).toEqual(kept);
  });

  it.each([
    [['Content-Length', '5', 'Content-Length', '6']],
    [['Content-Length', '5', 'Transfer-Encoding', 'chunked']],
    [['Transfer-Encoding', 'chunked', 'content-length', '5']],
    [['Transfer-Encoding', 'gzip, chunked']],
    [['Transfer-Encoding', 'identity']],
    [['Content-Length', '']],
    [['Content-Length', '+5']],
    [['Content-Length', '5,5']],
    [['Content-Length', '1e3']],
    [['Content-Length', '9999999999999999']],
  ])('refuses framing that cannot be trusted: %j', (raw) => {
    expect(() => relayHead(raw, false)).toThrow(FramingError);
  });

  it('counts Hosts, and notes Expect and Trailer', () => {
    const head = relayHead(['HOST', 'a', 'host', 'b', 'expect', '100-continue', 'TRAILER', 'X'], false);
    expect(head).toMatchObject({ hosts: 2, expects: true, announcesTrailers: true });
  });
});

describe('trailers', () => {
  it('pass, but for what frames, routes or authenticates', () => {
    const raw = ['X-Sum', '1', 'Content-Length', '5', 'transfer-encoding', 'chunked', 'Set-Cookie', 'a', 'X-Sum', '2'];
    expect(relayTrailers(raw)).toEqual(['X-Sum', '1', 'X-Sum', '2']);
  });
});

describe('flat lists', () => {
  it('are searched without regard to case', () => {
    expect(headerValue(['A', '1', 'X-Y', '2', 'x-y', '3'], 'x-y')).toBe('2');
    expect(headerValue(['A', 'x-y'], 'x-y')).toBeUndefined();
  });

  it('lose a header with all its repeats, and stay the same list without it', () => {
    const list = ['A', '1', 'B', '2', 'a', '3'];
    expect(withoutHeader(list, 'a')).toEqual(['B', '2']);
    expect(withoutHeader(list, 'c')).toBe(list);
  });
});

describe('hosts', () => {
  it.each(['a', 'a:', 'a.example:80', '[::1]:8080', '127.0.0.1'])('%s is one', (host) => {
    expect(isHost(host)).toBe(true);
  });

  it.each(['', ':80', 'a b', 'u@a', 'a:b', 'a/b', '::1'])('%j is none', (host) => {
    expect(isHost(host)).toBe(false);
  });

  it.each([
    ['/a', undefined],
    ['//a/b', undefined],
    ['*', undefined],
    ['http://a.example:81/b', 'a.example:81'],
    ['HTTPS://A', 'A'],
    ['http://a?b@c', 'a'],
    ['http://u:p@a/', 'u:p@a'],
    ['http:///a', ''],
    ['coap+tcp://[::1]', '[::1]'],
  ])('the authority of %s is %s', (target, authority) => {
    expect(authorityOf(target)).toBe(authority);
  });
});

describe('upgrades', () => {
  it('HTTP itself is known by all its names', () => {
    const protocols = upgradeProtocols(['Upgrade', 'H2C, http/2.0 ,h2,', 'X', 'x', 'upgrade', 'TLS/1.2, h3, https']);
    expect(protocols).toEqual(['h2c', 'http/2.0', 'h2', 'tls/1.2', 'h3', 'https']);
    expect(protocols.every(carriesHttp)).toBe(true);
    expect(['websocket', 'h2o', 'httpx/1', 'tlsx', 'ssh/h2', ''].some(carriesHttp)).toBe(false);
  });

  it('HTTP is taken out, and the rest stays as it was', () => {
    expect(withoutHttpUpgrades(['Upgrade', 'h2c, WebSocket', 'X', 'h2c', 'upgrade', 'TLS/1.2'])).toEqual([
      ...['Upgrade', 'WebSocket', 'X', 'h2c'],
    ]);
    const list = ['Upgrade', 'a ,b/1', 'X', 'h2c'];
    expect(withoutHttpUpgrades(list)).toBe(list);
  });
});

describe('methods', () => {
  it('know which may be sent twice, and which answers have no body', () => {
    expect(['GET', 'PUT', 'DELETE', 'QUERY', 'POST', 'PATCH', 'get'].map(isIdempotent)).toEqual([
      ...[true, true, true, true],
      ...[false, false, false],
    ]);
    expect([isBodiless('HEAD', 200), isBodiless('GET', 204), isBodiless('GET', 304), isBodiless('GET', 200)]).toEqual([
      ...[true, true, true],
      false,
    ]);
  });

  it('know which answers must not have a length', () => {
    expect([101, 103, 200, 204, 205, 304].map(forbidsLength)).toEqual([true, true, false, true, false, false]);
  });
});
