import { createHash } from 'node:crypto';
import { type Relay, relayToListener, untilMatch } from '@berth/testing/system';

const sha256 = (bytes: string): string => createHash('sha256').update(bytes).digest('hex');

/** Answers with what it got; its port has these rules. */
const echo = (rules: object): Promise<Relay> =>
  relayToListener(
    (request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => {
        response.setHeader('Content-Type', 'application/json');
        response.setHeader('X-Powered-By', 'tests');
        response.end(JSON.stringify({ headers: request.headers, bytes }));
      });
    },
    { gateway: { policies: { '*': rules } } },
  );

const ask = (relay: Relay, init?: RequestInit, path = '/'): Promise<Response> =>
  fetch(`http://127.0.0.1:${relay.port}${path}`, init);
const headersAt = async (response: Response): Promise<Record<string, string>> =>
  ((await response.json()) as { headers: Record<string, string> }).headers;
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('rules of a port', () => {
  it('clients by their address', async () => {
    await using refusing = await echo({ access: { deny: ['127.0.0.0/8'] } });
    const refused = await ask(refusing);
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'BERTH_FORBIDDEN']);
    await using taking = await echo({ access: { allow: ['10.0.0.0/8', '127.0.0.1'] } });
    expect((await ask(taking)).status).toBe(200);
  });

  it('the client behind a trusted proxy, and nobody who only says so', async () => {
    await using relay = await echo({
      access: { trustedProxies: ['127.0.0.1', '192.0.2.0/24'], deny: ['203.0.113.7'] },
    });
    const from = async (forwarded: string) => (await ask(relay, { headers: { 'X-Forwarded-For': forwarded } })).status;
    expect(await from('203.0.113.7')).toBe(403);
    expect(await from('203.0.113.7, 192.0.2.9')).toBe(403);
    expect(await from('203.0.113.7, 198.51.100.1')).toBe(200);
    expect(await from('203.0.113.7, nonsense, 192.0.2.9')).toBe(200);
    await using open = await echo({ access: { deny: ['203.0.113.7'] } });
    expect((await ask(open, { headers: { 'X-Forwarded-For': '203.0.113.7' } })).status).toBe(200);
  });

  it('reading only', async () => {
    await using relay = await echo({ access: { readOnly: true } });
    expect((await ask(relay)).status).toBe(200);
    const refused = await ask(relay, { method: 'POST', body: 'x' });
    expect([refused.status, refused.headers.get('allow'), await codeOf(refused)]).toEqual([
      405,
      'GET, HEAD, OPTIONS, TRACE',
      'BERTH_METHOD_NOT_ALLOWED',
    ]);
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
    expect(await untilMatch(relay.port, upgrade, /\}\}$/)).toMatch(/^HTTP\/1\.1 405 .*an upgrade/s);
  });

  it('maintenance: a page for browsers, an error for programs, and whoever is named passes', async () => {
    await using relay = await echo({ maintenance: { enabled: true, text: 'Back <soon>', retryAfterSeconds: 60 } });
    const page = await ask(relay, { headers: { Accept: 'text/html' } });
    expect([page.status, page.headers.get('retry-after'), page.headers.get('content-type')]).toEqual([
      503,
      '60',
      'text/html; charset=utf-8',
    ]);
    expect(await page.text()).toContain('Back &lt;soon&gt;');
    const error = await ask(relay);
    expect([error.status, error.headers.get('retry-after'), await codeOf(error)]).toEqual([
      503,
      '60',
      'BERTH_MAINTENANCE',
    ]);
    const head = await ask(relay, { method: 'HEAD', headers: { Accept: 'text/html' } });
    expect([head.status, Number(head.headers.get('content-length')) > 100]).toEqual([503, true]);
    await using named = await echo({ maintenance: { enabled: true, allow: ['127.0.0.1'] } });
    expect((await ask(named)).status).toBe(200);
  });

  it('basic authentication and tokens, plain or hashed; the service does not see them unless it should', async () => {
    const auth = {
      users: { ann: 'secret of ann', bob: `sha256:${sha256('of bob')}` },
      bearerTokens: [`sha256:${sha256('t1')}`, 't2'],
    };
    await using relay = await echo({ auth });
    const status = async (authorization?: string) =>
      (await ask(relay, authorization === undefined ? {} : { headers: { authorization } })).status;
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const refused = await ask(relay);
    expect([refused.status, refused.headers.get('www-authenticate'), await codeOf(refused)]).toEqual([
      401,
      'Basic realm="Berth", charset="UTF-8", Bearer realm="Berth"',
      'BERTH_UNAUTHENTICATED',
    ]);
    expect(await Promise.all(['ann:secret of ann', 'bob:of bob'].map((one) => status(basic(one))))).toEqual([200, 200]);
    expect(
      await Promise.all(['ann:of bob', 'bob:', 'ann', ':', 'eve:secret of ann'].map((one) => status(basic(one)))),
    ).toEqual([401, 401, 401, 401, 401]);
    expect(await Promise.all(['Bearer t1', 'bearer t2', 'Bearer t3', 'Bearer ', 'Token t1'].map(status))).toEqual([
      200, 200, 401, 401, 401,
    ]);
    expect(
      (await headersAt(await ask(relay, { headers: { authorization: 'Bearer t1' } })))['authorization'],
    ).toBeUndefined();
    await using passing = await echo({ auth: { ...auth, passOn: true } });
    expect((await headersAt(await ask(passing, { headers: { authorization: 'Bearer t1' } })))['authorization']).toBe(
      'Bearer t1',
    );
  });

  it('a largest body, by its head and as it comes', async () => {
    await using relay = await echo({ limits: { maxBodyBytes: 1000 } });
    const post = (body: RequestInit['body']) => ask(relay, { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect((await post('x'.repeat(1000))).status).toBe(200);
    expect(await codeOf(await post('x'.repeat(1001)))).toBe('BERTH_BODY_TOO_LARGE');
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n';
    expect(await untilMatch(relay.port, `${chunked}${'x'.repeat(1001)}\r\n0\r\n\r\n`, /\}\}$/)).toMatch(
      /^HTTP\/1\.1 413 /,
    );
  });

  it('requests per second of one client, with what is left in headers', async () => {
    await using relay = await echo({ rate: { requestsPerSecond: 1, burst: 3 } });
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await ask(relay));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    const [first, , , last] = answers;
    expect(first?.headers.get('ratelimit-policy')).toBe('"client";q=3;w=3');
    expect(first?.headers.get('ratelimit')).toBe('"client";r=2;t=1');
    expect([last?.headers.get('retry-after'), last?.headers.get('ratelimit')]).toEqual(['1', '"client";r=0;t=3']);
    expect(last && (await codeOf(last))).toBe('BERTH_TOO_MANY_REQUESTS');
  });

  it('headers both ways, and what browsers should be told', async () => {
    await using relay = await echo({
      headers: {
        request: { remove: ['X-Secret'], set: { 'X-Env': 'prod' }, add: { 'X-Tag': 'b' } },
        response: { remove: ['X-Powered-By'], set: { 'Cache-Control': 'no-store' } },
        security: true,
      },
    });
    const answer = await ask(relay, { headers: { 'X-Secret': '1', 'X-Env': 'test', 'X-Tag': 'a' } });
    const fields = ['x-powered-by', 'cache-control', 'x-frame-options', 'strict-transport-security'];
    expect(fields.map((name) => answer.headers.get(name))).toEqual([null, 'no-store', 'SAMEORIGIN', null]);
    const seen = await headersAt(answer);
    expect([seen['x-secret'], seen['x-env'], seen['x-tag']]).toEqual([undefined, 'prod', 'a, b']);
  });

  it('CORS: preflights are answered, and answers and errors can be read by the page', async () => {
    await using relay = await echo({
      cors: { origins: ['https://app.example'], credentials: true },
      access: { readOnly: true },
    });
    const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'PUT' };
    const preflight = await ask(relay, { method: 'OPTIONS', headers });
    const of = (answer: Response, ...names: string[]) =>
      names.map((name) => answer.headers.get(`access-control-${name}`));
    expect([preflight.status, ...of(preflight, 'allow-origin', 'allow-credentials', 'max-age')]).toEqual([
      204,
      'https://app.example',
      'true',
      '600',
    ]);
    expect(of(preflight, 'allow-methods')).toEqual(['GET,HEAD,PUT,PATCH,POST,DELETE']);
    expect(of(await ask(relay, { headers: { Origin: 'https://app.example' } }), 'allow-origin')).toEqual([
      'https://app.example',
    ]);
    expect(of(await ask(relay, { headers: { Origin: 'https://evil.example' } }), 'allow-origin')).toEqual([null]);
    const failed = await ask(relay, { method: 'DELETE', headers: { Origin: 'https://app.example' } });
    expect([failed.status, ...of(failed, 'allow-origin')]).toEqual([405, 'https://app.example']);
  });
});
