import { METHODS } from 'node:http';
import { eventually, RawClient } from '@berth/testing';
import { answering, codeIn, headLines, OK, recorded, relayToRecorder, send, untilMatch } from '@berth/testing/system';

describe('bytes of the request', () => {
  let relay: Awaited<ReturnType<typeof relayToRecorder>>;
  let answer = OK;
  beforeAll(async () => {
    relay = await relayToRecorder(
      (connection) => {
        answering(answer)(connection);
      },
      { gateway: { ingress: { forwardedHeaders: 'off' } } },
    );
  });
  afterAll(() => relay[Symbol.asyncDispose]());
  beforeEach(() => {
    answer = OK;
    relay.recorder.connections.forEach(({ socket }) => socket.destroy());
    relay.recorder.connections.length = 0;
  });

  /** What the local service gets for these bytes. */
  async function relayed(bytes: string): Promise<string> {
    await untilMatch(relay.port, bytes, /\r\n\r\n/);
    return recorded(relay.recorder);
  }

  it('A9: relays every method of the parser, QUERY included', async () => {
    expect(METHODS).toContain('QUERY');
    for (const method of METHODS.filter((it) => it !== 'CONNECT')) {
      const before = recorded(relay.recorder).length;
      const reply = await untilMatch(relay.port, `${method} /m HTTP/1.1\r\nHost: a\r\n\r\n`, /\r\n\r\n/);
      expect([method, headLines(reply)[0]]).toEqual([method, 'HTTP/1.1 200 OK']);
      expect(recorded(relay.recorder).slice(before)).toContain(`${method} /m HTTP/1.1\r\n`);
    }
  });

  it.each([
    ['/a/%2e%2e/b'],
    ['/a/../b'],
    ['//double//slash/'],
    ['/?'],
    ['/?a=1&a=2&b=%20+&c'],
    ['/x?y?z#'],
    ['/;p=1/\\back'],
    ['/%00%zz'],
    ['/a|b{c}d^e`f\'"<>'],
    ['http://elsewhere.example/abs?x'],
    ['HTTP://ELSEWHERE.example:81/abs'],
    ['https://elsewhere.example/abs'],
    ['/health'],
  ])('A9: relays the target %s as it is', async (target) => {
    expect(await relayed(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(/^GET (.*) HTTP\/1\.1\r\n/);
    expect(headLines(recorded(relay.recorder))[0]).toBe(`GET ${target} HTTP/1.1`);
  });

  it.each([
    ['GET http://real.example:81/x HTTP/1.1\r\nX-A: 1\r\nHost: fake\r\nExpect: x\r\n\r\n', 'Host: real.example:81'],
    ['GET http://real.example HTTP/1.1\r\nHost: fake\r\n\r\n', 'host: real.example'],
    ['GET http://real.example/x HTTP/1.1\r\nHost:\r\n\r\n', 'host: real.example'],
    ['GET http://real.example?x HTTP/1.0\r\n\r\n', 'host: real.example'],
    [
      'GET http://real.example/ HTTP/1.1\r\nHost: fake\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      'Host: real.example',
    ],
  ])('the authority of an absolute target replaces Host: %j', async (bytes, host) => {
    const lines = headLines(await relayed(bytes));
    expect(lines.filter((line) => /^host:/i.test(line))).toEqual([host]);
    expect(lines.join()).not.toContain('fake');
    if (bytes.includes('Expect')) expect(lines.slice(1, 3)).toEqual(['X-A: 1', host]);
  });

  it('answers 400 to a target with bytes that no URI may have', async () => {
    const reply = await untilMatch(relay.port, 'GET /caf\xe9 HTTP/1.1\r\nHost: a\r\n\r\n', /\r\n\r\n\{.*\}/);
    expect([headLines(reply)[0], codeIn(reply)]).toEqual(['HTTP/1.1 400 Bad Request', 'BERTH_BAD_REQUEST']);
    expect(recorded(relay.recorder)).toBe('');
  });

  it('relays OPTIONS *', async () => {
    expect(headLines(await relayed('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'))[0]).toBe('OPTIONS * HTTP/1.1');
  });

  const FIELDS = [
    'X-B: 2',
    'x-a: 1',
    'X-b: 3',
    'X-EMPTY:',
    'X-Latin: caf\xe9 \xff',
    "!#$%&'*+-.^_`|~09: odd",
    'Cookie: a=1',
    'cookie: b=2',
    'X-B: 4',
    'X-Inner: a   b\tc',
    'User-Agent: ',
  ];

  it('keeps header order, case, repeats, Latin-1 and empty values', async () => {
    const text = await relayed(`GET / HTTP/1.1\r\nX-First: 1\r\nHost: a.example\r\n${FIELDS.join('\r\n')}\r\n\r\n`);
    const lines = headLines(text).slice(1);
    // The documented exception: undici writes `host` first, in lower case.
    expect(lines.slice(0, 1)).toEqual(['host: a.example']);
    expect(lines.filter((line) => !/^(host|connection):/.test(line)).map((line) => line.trimEnd())).toEqual([
      'X-First: 1',
      ...FIELDS.map((line) => line.trimEnd()),
    ]);
  });

  it('keeps them all, the place of Host included, where node:http sends the head', async () => {
    const text = await relayed(
      `GET / HTTP/1.1\r\nX-First: 1\r\nHost: a.example\r\nExpect: something\r\n${FIELDS.join('\r\n')}\r\n\r\n`,
    );
    expect(
      headLines(text)
        .slice(1)
        .filter((line) => line !== 'Connection: close')
        .map((line) => line.trimEnd()),
    ).toEqual(['X-First: 1', 'Host: a.example', 'Expect: something', ...FIELDS.map((line) => line.trimEnd())]);
  });

  it('ends hop-by-hop headers, and those that Connection names', async () => {
    const text = await relayed(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Named: 1\r\nConnection: keep-alive, x-named ,close-notify\r\nClose-Notify: 1\r\n' +
        'Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nTE: trailers, deflate\r\nX-Kept: 1\r\n\r\n',
    );
    const lines = headLines(text).slice(1);
    expect(lines.filter((line) => !/^connection:/.test(line))).toEqual(['host: a', 'TE: trailers', 'X-Kept: 1']);
  });

  it('does not let Connection take away what frames or routes the message', async () => {
    const text = await relayed(
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close, host, content-length\r\nContent-Length: 4\r\n\r\n\r\n\r\n',
    );
    expect(text).toContain('host: a\r\n');
    expect(text.toLowerCase()).toContain('content-length: 4\r\n');
    expect(text.endsWith('\r\n\r\n\r\n\r\n')).toBe(true);
  });

  it('keeps the head of the response: reason, order, case, repeats, Latin-1, empty values', async () => {
    const fields = [
      'X-B: 2',
      'x-a: 1',
      'X-b: 3',
      'X-Empty: ',
      'Set-Cookie: a=1',
      'Content-Length: 2',
      'Set-Cookie: b=2; Path=/',
      'X-Latin: caf\xe9 \xff',
      'Date: yesterday',
      'X-B: 4',
      'Server: S',
    ];
    answer = `HTTP/1.1 299 Ganz \xc3\xbcblich OK\r\n${fields.join('\r\n')}\r\n\r\nok`;
    const text = await untilMatch(relay.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /ok$/);
    const lines = headLines(text);
    expect(lines[0]).toBe('HTTP/1.1 299 Ganz \xc3\xbcblich OK');
    // Connection and Keep-Alive are of the gateway's own hop.
    expect(lines.slice(1).filter((line) => !/^(Connection|Keep-Alive):/.test(line))).toEqual(fields);
  });

  it('204 goes out without the Content-Length it came with, and the connection is kept', async () => {
    answer = 'HTTP/1.1 204 No Content\r\nX-A: 1\r\nContent-Length: 0\r\nX-B: 2\r\n\r\n';
    const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const text = await untilMatch(relay.port, get + get, /204.*204.*\r\n\r\n$/s);
    expect(headLines(text).slice(0, 4)).toEqual([
      'HTTP/1.1 204 No Content',
      'X-A: 1',
      'X-B: 2',
      'Connection: keep-alive',
    ]);
    expect(text).not.toMatch(/content-length|transfer-encoding/i);
  });

  it('an interim response goes out without a length', async () => {
    answer = `HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\nLink: </a>\r\n\r\n${OK}`;
    const text = await untilMatch(relay.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /ok$/);
    expect(headLines(text)).toEqual(['HTTP/1.1 103 Early Hints', 'Link: </a>']);
  });

  it('keeps Latin-1 in the head of a response whose body comes later, and in an interim one', async () => {
    answer =
      'HTTP/1.1 103 Early Hints\r\nLink: </caf\xe9>\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nX-Latin: caf\xe9\r\nTransfer-Encoding: chunked\r\n\r\n';
    const text = await untilMatch(relay.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /X-Latin.*\r\n\r\n/s);
    expect(text).toContain('Link: </caf\xe9>\r\n');
    expect(text).toContain('X-Latin: caf\xe9\r\n');
  });

  it('adds no Date and no Server of its own', async () => {
    const text = await untilMatch(relay.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /ok$/);
    expect(headLines(text).map((line) => line.split(':')[0])).toEqual([
      'HTTP/1.1 200 OK',
      'Content-Length',
      'Connection',
      'Keep-Alive',
    ]);
  });

  it('keeps two hundred Set-Cookie lines apart', async () => {
    const cookies = Array.from({ length: 200 }, (_, i) => `Set-Cookie: c${i}=v; Expires=Wed, 21 Oct 2026 07:28:00 GMT`);
    answer = `HTTP/1.1 200 OK\r\n${cookies.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
    const reply = await send(relay.port);
    expect(reply.headers['set-cookie']).toHaveLength(200);
    expect(reply.rawHeaders.filter((name) => name === 'Set-Cookie')).toHaveLength(200);
  });

  it('ends hop-by-hop headers of the response, and those that Connection names', async () => {
    answer =
      'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=99\r\n' +
      'Proxy-Connection: x\r\nContent-Length: 2\r\nX-Kept: 1\r\n\r\nok';
    const text = await untilMatch(relay.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /ok$/);
    expect(headLines(text).slice(1)).toEqual([
      'Content-Length: 2',
      'X-Kept: 1',
      'Connection: keep-alive',
      'Keep-Alive: timeout=65',
    ]);
  });

  it('takes a head that comes byte by byte', async () => {
    const client = await RawClient.connect(relay.port);
    for (const byte of 'GET /slow HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n') {
      client.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => client.text().endsWith('ok'));
    client.destroy();
    expect(recorded(relay.recorder)).toMatch(/^GET \/slow HTTP\/1\.1\r\nhost: a\r\n/);
  });
});

describe('X-Forwarded-* and Forwarded', () => {
  const CLIENT = 'GET / HTTP/1.1\r\nHost: a.example\r\n';
  const BROUGHT = 'X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nForwarded: for=10.0.0.1\r\n';

  async function forwardedLines(
    policy: 'append' | 'replace' | 'off',
    head: string,
    host = '127.0.0.1',
  ): Promise<string[]> {
    await using relay = await relayToRecorder(answering(OK), {
      gateway: { ingress: { forwardedHeaders: policy }, agentPorts: { host } },
    });
    await untilMatch(relay.port, `${head}\r\n`, /ok$/);
    return headLines(recorded(relay.recorder)).filter((line) => /forwarded/i.test(line));
  }

  it('append adds the client behind what the request brought', async () => {
    expect(await forwardedLines('append', CLIENT + BROUGHT)).toEqual([
      'X-Forwarded-For: 10.0.0.1',
      'X-Forwarded-For: 10.0.0.2, 127.0.0.1',
      'Forwarded: for=10.0.0.1, for=127.0.0.1;host="a.example";proto=http',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: a.example',
    ]);
  });

  it('replace drops what the request brought', async () => {
    expect(await forwardedLines('replace', CLIENT + BROUGHT)).toEqual([
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: a.example',
    ]);
  });

  it('off touches nothing', async () => {
    expect(await forwardedLines('off', CLIENT + BROUGHT)).toEqual(BROUGHT.trimEnd().split('\r\n'));
    expect(await forwardedLines('off', CLIENT)).toEqual([]);
  });

  it('an IPv4 client of a dual-stack listener is named in its IPv4 form', async () => {
    expect(await forwardedLines('append', `${CLIENT}Forwarded: for=10.0.0.1\r\n`, '::')).toEqual([
      'Forwarded: for=10.0.0.1, for=127.0.0.1;host="a.example";proto=http',
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: a.example',
    ]);
  });
});
