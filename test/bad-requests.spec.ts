import { eventually, RawClient } from '@berth/testing';
import {
  answering,
  codeIn,
  headLines,
  idle,
  OK,
  recorded,
  relayToRecorder,
  send,
  untilClosed,
  untilMatch,
} from '@berth/testing/system';

const HOST = 'Host: a\r\n';
/** What an attacker hides behind a request; it must never be one of its own. */
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
const padding = (lines: number): string => Array.from({ length: lines }, (_, i) => `a${i}: b\r\n`).join('');

describe('bad requests', () => {
  let relay: Awaited<ReturnType<typeof relayToRecorder>>;
  beforeAll(async () => {
    relay = await relayToRecorder(answering(OK), {
      gateway: { ingress: { maxBodyBytes: 1000, maxHeaderBytes: 16_384, maxTargetBytes: 4096 } },
    });
  });
  afterAll(() => relay[Symbol.asyncDispose]());

  async function refused(bytes: string, status: number, code: string): Promise<void> {
    const before = relay.recorder.connections.length;
    const bytesBefore = recorded(relay.recorder).length;
    const text = await untilClosed(relay.port, bytes);
    expect([headLines(text)[0]?.slice(0, 12), codeIn(text)]).toEqual([`HTTP/1.1 ${status}`, code]);
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(text).toMatch(/^Connection: close\r$/im);
    // The port is none the worse for it, and nothing of the bad request shows at the local service.
    expect((await send(relay.port, { path: '/good' })).text).toBe('ok');
    expect(recorded(relay.recorder).slice(bytesBefore)).toMatch(/^GET \/good HTTP\/1\.1\r\n/);
    expect(relay.recorder.connections.length - before).toBeLessThanOrEqual(1);
  }

  it.each([
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a malformed request line', `GET\r\n${HOST}\r\n`],
    ['an unknown method', `FETCH / HTTP/1.1\r\n${HOST}\r\n`],
    ['a space in the target', `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
    ['a control character in the target', `GET /a\x01b HTTP/1.1\r\n${HOST}\r\n`],
    ['Transfer-Encoding in HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`],
    ['the target * with another method than OPTIONS', `GET * HTTP/1.1\r\n${HOST}\r\n`],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ['an empty Host in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: \r\n\r\n'],
    ['a Host that is only a port', 'GET / HTTP/1.1\r\nHost: :80\r\n\r\n'],
    ['user data in the target', `GET http://u:p@a/ HTTP/1.1\r\n${HOST}\r\n`],
    ['a target without a host', `GET http:///x HTTP/1.1\r\n${HOST}\r\n`],
    ['two Hosts beside an absolute target', `GET http://a/ HTTP/1.1\r\n${HOST}${HOST}\r\n`],
    ['HTTP/2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`],
    ['HTTP/0.9', 'GET /\r\n\r\n'],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a header without a colon', `GET / HTTP/1.1\r\n${HOST}nocolon\r\n\r\n`],
    ['a space before the colon', `GET / HTTP/1.1\r\n${HOST}X-A : 1\r\n\r\n`],
    ['a control character in a header', `GET / HTTP/1.1\r\n${HOST}X-A: 1\x00\r\n\r\n`],
    ['an empty header name', `GET / HTTP/1.1\r\n${HOST}: 1\r\n\r\n`],
    ['a folded header', `GET / HTTP/1.1\r\n${HOST}X-A: 1\r\n 2\r\n\r\n`],
    ['white space before the first header', `GET / HTTP/1.1\r\n X: 1\r\n${HOST}\r\n`],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Hosts', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`],
    ['a bare LF behind the request line', `GET / HTTP/1.1\n${HOST}\r\n`],
    ['a bare LF behind a header', `GET / HTTP/1.1\r\n${HOST}X-A: 1\nX-B: 2\r\n\r\n`],
    ['a bare CR in a header', `GET / HTTP/1.1\r\n${HOST}X-A: 1\rX-B: 2\r\n\r\n`],
    ['a bare LF at the end of the head', `GET / HTTP/1.1\r\n${HOST}\n`],
    [
      'Content-Length beside Transfer-Encoding',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ],
    [
      'Transfer-Encoding beside Content-Length',
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n`,
    ],
    ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nContent-Length: 5\r\n\r\n`],
    ['two equal lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nContent-Length: 4\r\n\r\n`],
    ['a list of lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 4, 4\r\n\r\n`],
    ['a signed length', `POST / HTTP/1.1\r\n${HOST}Content-Length: +4\r\n\r\n`],
    ['a negative length', `POST / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`],
    ['a hexadecimal length', `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x4\r\n\r\n`],
    ['an empty length', `POST / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`],
    ['a length beyond all numbers', `POST / HTTP/1.1\r\n${HOST}Content-Length: 99999999999999999999\r\n\r\n`],
    ['a transfer coding other than chunked', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`],
    ['gzip before chunked', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    [
      'chunked twice',
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['chunked not last', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['an odd spelling of chunked', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['chunked behind a vertical tab', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
    ['a header name with a trailing tab', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n`],
  ])('400 and a closed connection: %s', async (_name, bytes) => {
    await refused(bytes + HIDDEN, 400, 'BERTH_BAD_REQUEST');
  });

  it.each([
    ['a chunk size that is none', 'Z\r\nx\r\n0\r\n\r\n'],
    ['a negative chunk size', '-1\r\n'],
    ['a chunk longer than it says', '2\r\nabcdef\r\n0\r\n\r\n'],
    ['a chunk size beyond all numbers', 'fffffffffffffffff\r\n'],
    ['a bare LF behind a chunk size', '2\nab\r\n0\r\n\r\n'],
    ['a chunk that ends in a bare LF', '2\r\nab\n0\r\n\r\n'],
    ['a NUL in a chunk extension', '2;\x00\r\nab\r\n0\r\n\r\n'],
    ['a bad trailer', '2\r\nab\r\n0\r\nbad trailer: x\r\n\r\n'],
  ])('400 in the middle of a body: %s', async (_name, chunks) => {
    const text = await untilClosed(
      relay.port,
      `POST /body HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunks}${HIDDEN}`,
    );
    expect([headLines(text)[0], codeIn(text)]).toEqual(['HTTP/1.1 400 Bad Request', 'BERTH_BAD_REQUEST']);
    expect((await send(relay.port)).text).toBe('ok');
    expect(recorded(relay.recorder)).not.toContain('/hidden');
    await idle(relay.gateway);
  });

  it('the request that was begun with a bad body does not stay open at the local service', async () => {
    using client = await RawClient.connect(relay.port);
    const known = relay.recorder.connections.length;
    client.send(`POST /begun HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`);
    await eventually(() => recorded(relay.recorder).includes('/begun'));
    client.send('nonsense\r\n');
    await eventually(() => client.ended);
    expect(codeIn(client.text())).toBe('BERTH_BAD_REQUEST');
    await eventually(() =>
      relay.recorder.connections.slice(known).every((it) => !it.text().includes('/begun') || it.socket.destroyed),
    );
  });

  it('a later minor version of HTTP/1 is read as 1.1 (RFC 9110 section 2.5)', async () => {
    const bytes = `GET /first HTTP/1.2\r\n${HOST}\r\nGET /second HTTP/1.9\r\n${HOST}Connection: close\r\n\r\n`;
    const text = await untilClosed(relay.port, bytes);
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    for (const path of ['first', 'second']) expect(recorded(relay.recorder)).toContain(`GET /${path} HTTP/1.1\r\n`);
    expect(headLines(await untilClosed(relay.port, 'GET / HTTP/1.2\r\nConnection: close\r\n\r\n'))[0]).toContain(
      ' 400 ',
    );
  });

  it('a good request before a bad one gets its answer first', async () => {
    const text = await untilClosed(relay.port, `GET /first HTTP/1.1\r\n${HOST}\r\nnonsense\r\n\r\n${HIDDEN}`);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(recorded(relay.recorder)).not.toContain('/hidden');
  });

  it('header lines beyond a thousand hide no Content-Length', async () => {
    const inner = HIDDEN;
    const head = `POST /many HTTP/1.1\r\n${HOST}${padding(1100)}Content-Length: ${inner.length}\r\n\r\n`;
    expect(head.length).toBeLessThan(16_384);
    using client = await RawClient.connect(relay.port);
    client.send(head + inner);
    await eventually(() => client.text().endsWith('\r\n\r\nok'));
    client.send(`GET /after HTTP/1.1\r\n${HOST}\r\n`);
    await eventually(() => client.text().split('HTTP/1.1 200').length === 3);
    const all = recorded(relay.recorder);
    const many = all.slice(all.indexOf('POST /many'));
    expect(many.toLowerCase().includes(`\r\ncontent-length: ${inner.length}\r\n`)).toBe(true);
    // It came as the body it is.
    expect(many.slice(many.indexOf('\r\n\r\n') + 4)).toMatch(/^GET \/hidden/);
    expect(all.split('GET /hidden')).toHaveLength(2);
  });

  it('431 for a head over ingress.maxHeaderBytes', async () => {
    await refused(`GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n\r\n${HIDDEN}`, 431, 'BERTH_HEADERS_TOO_LARGE');
    await refused(`GET / HTTP/1.1\r\n${HOST}${padding(3000)}\r\n${HIDDEN}`, 431, 'BERTH_HEADERS_TOO_LARGE');
  });

  it('414 for a target over ingress.maxTargetBytes', async () => {
    await refused(`GET /${'x'.repeat(4096)} HTTP/1.1\r\n${HOST}\r\n${HIDDEN}`, 414, 'BERTH_TARGET_TOO_LONG');
  });

  it('413 for a body over ingress.maxBodyBytes, announced', async () => {
    await refused(`POST / HTTP/1.1\r\n${HOST}Content-Length: 1001\r\n\r\n${HIDDEN}`, 413, 'BERTH_BODY_TOO_LARGE');
    const exact = `POST / HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\n${'x'.repeat(996)}\r\n\r\n`;
    await untilMatch(relay.port, exact, /ok$/);
  });

  it('413 for a body over ingress.maxBodyBytes, chunked', async () => {
    const chunk = `200\r\n${'x'.repeat(512)}\r\n`;
    const head = `POST /chunks HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
    const before = recorded(relay.recorder).length;
    const text = await untilClosed(relay.port, `${head}${chunk}${chunk}0\r\n\r\n${HIDDEN}`);
    expect([headLines(text)[0], codeIn(text)]).toEqual(['HTTP/1.1 413 Payload Too Large', 'BERTH_BODY_TOO_LARGE']);
    expect(recorded(relay.recorder).slice(before)).not.toContain('/hidden');
    await idle(relay.gateway);
  });

  it('408 for a head that never ends', async () => {
    await using slow = await relayToRecorder(answering(OK), { gateway: { ingress: { headersTimeoutMs: 1000 } } });
    using client = await RawClient.connect(slow.port);
    client.send(`GET / HTTP/1.1\r\n${HOST}X-Slow: `);
    await eventually(() => client.ended);
    expect(codeIn(client.text())).toBe('BERTH_REQUEST_TIMEOUT');
  });
});
