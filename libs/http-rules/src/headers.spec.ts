import { FramingError, headerValue, relayHead, relayTrailers, withoutHeader } from './headers.js';
import { isBodiless, isIdempotent } from './methods.js';

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
    expect(relayHead(raw, true).headers).toEqual(['Upgrade', 'websocket', 'Connection', 'Upgrade']);
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
});
