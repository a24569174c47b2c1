import type { OpenHead } from '@berth/exchange';
import type { ProxyMessage } from './proxy-message.js';
import { readSiloRequest, readSiloResponse, siloRequest, siloResponse } from './silo-heads.js';

const head = (over: Partial<OpenHead> = {}): OpenHead => ({
  kind: 0,
  method: 'GET',
  target: '/',
  headers: [],
  body: false,
  ...over,
});

const entries = (metadata: readonly string[]): Record<string, string> => {
  const pairs: [string, string][] = [];
  for (let i = 0; i < metadata.length; i += 2) pairs.push([metadata[i] as string, metadata[i + 1] as string]);
  expect(new Set(pairs.map(([key]) => key)).size).toBe(pairs.length);
  return Object.fromEntries(pairs);
};

const message = (metadata: Record<string, string>, payload = ''): ProxyMessage => ({
  id: 'i',
  type: 4,
  payload: Buffer.from(payload),
  metadata: Object.entries(metadata).flat(),
  metadataCut: false,
});

describe('a request for an agent of the original kind', () => {
  it('A20: has method, path, query and each header, as they came', () => {
    const { metadata } = siloRequest(
      head({
        method: 'PUT',
        target: '/a%2Fb%20c?x=%3D&y',
        headers: ['Accept', '*/*', 'Content-Type', 'text/x; a="b, c"'],
      }),
    );
    expect(entries(metadata)).toEqual({
      method: 'PUT',
      path: '/a%2Fb%20c',
      query: 'x=%3D&y',
      content_type: 'text/x; a="b, c"',
      header_Accept: '*/*',
      'header_Content-Type': 'text/x; a="b, c"',
    });
  });

  it('A20: joins what is repeated, whatever the case', () => {
    const headers = ['X-One', '1', 'Cookie', 'a=1', 'x-one', '2', 'COOKIE', 'b=2', 'X-ONE', ''];
    expect(entries(siloRequest(head({ headers })).metadata)).toMatchObject({
      'header_X-One': '1, 2, ',
      header_Cookie: 'a=1; b=2',
    });
  });

  it('A20: leaves out what belongs to a hop, the framing, or to a stream', () => {
    const headers = [
      'Host',
      'a',
      'content-length',
      '7',
      'TE',
      'trailers',
      'Expect',
      '100-Continue',
      'Trailer',
      'X-Sum',
    ];
    const { metadata, contentLength, expectsContinue } = siloRequest(head({ headers, body: true }));
    expect(Object.keys(entries(metadata))).toEqual(['method', 'path', 'query', 'content_type']);
    expect({ contentLength, expectsContinue }).toEqual({ contentLength: 7, expectsContinue: true });
  });

  it.each([
    ['http://a.example/x?y', '/x', 'y'],
    ['http://a.example?y=/', '/', 'y=/'],
    ['HTTPS://a.example', '/', ''],
    ['//evil.example/x', '//evil.example/x', ''],
    ['/?', '/', ''],
  ])('takes the path of %s', (target, path, query) => {
    expect(entries(siloRequest(head({ target })).metadata)).toMatchObject({ path, query });
  });

  it.each(['*', '@evil.example/', 'a.example:443', '.evil.example/', ':1/', 'ftp://a/b'])(
    'refuses %s, which would be another host behind the address of the service',
    (target) => {
      expect(() => siloRequest(head({ target }))).toThrow(
        expect.objectContaining({ code: 'BERTH_UNSUPPORTED_EXCHANGE' }) as Error,
      );
    },
  );

  it('sends UTF-8 as it is, and takes other bytes for Latin-1', () => {
    const utf8 = Buffer.from('é').toString('latin1');
    const { metadata } = siloRequest(head({ headers: ['X-Utf8', utf8, 'X-Latin1', '\xe9'] }));
    expect(entries(metadata)).toMatchObject({ 'header_X-Utf8': 'é', 'header_X-Latin1': 'é' });
  });
});

describe('an answer of an agent of the original kind', () => {
  it('A20: has its headers, and the length of what came', () => {
    const metadata = {
      status_code: '404',
      header_Server: 'é',
      header_Connection: 'close',
      'header_Transfer-Encoding': 'chunked',
      'header_Content-Length': '999',
      other: 'x',
    };
    expect(readSiloResponse(message(metadata, 'body'), 'GET')).toEqual({
      status: 404,
      reason: '',
      headers: ['Server', Buffer.from('é').toString('latin1'), 'Connection', 'close', 'Content-Length', '4'],
    });
  });

  it('keeps the length that an answer to HEAD speaks of, and has none where there must be none', () => {
    const of = (status: string, method: string, length: string): unknown =>
      readSiloResponse(message({ status_code: status, 'header_Content-Length': length }), method);
    expect(of('200', 'HEAD', '999')).toMatchObject({ headers: ['Content-Length', '999'] });
    expect(of('200', 'HEAD', 'x')).toMatchObject({ headers: [] });
    expect(of('204', 'GET', '0')).toMatchObject({ headers: [] });
    expect(of('304', 'GET', '5')).toMatchObject({ headers: [] });
  });

  it.each([undefined, '', '20', '0200', '2xx', '101', '-200', '99999'])('is none with status_code %s', (status) => {
    expect(typeof readSiloResponse(message(status === undefined ? {} : { status_code: status }), 'GET')).toBe('string');
  });

  it('is none when its headers were cut', () => {
    expect(readSiloResponse({ ...message({ status_code: '200' }), metadataCut: true }, 'GET')).toMatch(/headers/);
  });
});

describe('a request of a server of the original kind', () => {
  const read = (metadata: Record<string, string>, payload = ''): unknown =>
    readSiloRequest(message({ method: 'GET', path: '/', ...metadata }, payload));

  it('A20: is what was asked, a body only where there is one', () => {
    const metadata = { method: 'POST', path: '/a', query: 'b=%20', header_Accept: '*/*', 'header_Content-Length': '4' };
    expect(read(metadata, 'body')).toEqual(
      head({ method: 'POST', target: '/a?b=%20', headers: ['Accept', '*/*'], body: true }),
    );
    expect(read({})).toEqual(head());
  });

  it('A20: has the content type whole, from its header or without one', () => {
    const header = { content_type: 'multipart/form-data', 'header_content-type': 'multipart/form-data; boundary=b' };
    expect(read(header)).toMatchObject({ headers: ['content-type', 'multipart/form-data; boundary=b'] });
    expect(read({ content_type: 'text/plain' })).toMatchObject({ headers: ['Content-Type', 'text/plain'] });
    expect(read({ content_type: '' })).toMatchObject({ headers: [] });
  });

  it.each([
    ['/a b/ü?#', '', '/a%20b/%C3%BC%3F%23'],
    ['/100%/%2f', '', '/100%25/%2f'],
    ['/x\r\nX-Evil: 1', '', '/x%0D%0AX-Evil:%201'],
    ['/', 'a b#ü\n', '/?a%20b%23%C3%BC%0A'],
    ['/', 'q=%zz?/[]', '/?q=%25zz?/[]'],
  ])('escapes what a target cannot hold in %j %j', (path, query, target) => {
    expect(read({ path, query })).toMatchObject({ target });
  });

  it.each([{ method: '' }, { method: 'GE T' }, { path: '' }, { path: 'x' }])('is none with %j', (metadata) => {
    expect(typeof read(metadata)).toBe('string');
  });
});

describe('an answer for a server of the original kind', () => {
  it('A20: joins what is repeated, and keeps the first Set-Cookie', () => {
    const headers = ['Vary', 'a', 'Set-Cookie', 'a=1; Expires=Thu, 1', 'vary', 'b', 'set-cookie', 'b=2'];
    const { metadata, lostCookies } = siloResponse({ status: 200, reason: 'OK', headers });
    expect(entries(metadata)).toEqual({
      status_code: '200',
      header_Vary: 'a, b',
      'header_Set-Cookie': 'a=1; Expires=Thu, 1',
    });
    expect(lostCookies).toBe(1);
  });
});
