import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { defaultGatewaySettings, type GatewaySettings } from 'berth-gateway';
import { type DeepPartial } from '@berth/config';
import { eventually, RawClient } from '@berth/testing';
import { logLines, testGateway, type TestGateway } from '@berth/testing/system';

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
  /** of an error answer */
  code: string | undefined;
}

describe('who may ask what of the admin port', () => {
  async function start(settings: DeepPartial<GatewaySettings> = {}): Promise<TestGateway> {
    return await testGateway(settings);
  }

  async function ask(
    { adminPort }: TestGateway,
    path: string,
    { method = 'GET', headers = {}, body }: { method?: string; headers?: OutgoingHttpHeaders; body?: string } = {},
  ): Promise<Answer> {
    const asked = request({ host: '127.0.0.1', port: adminPort, path, method, headers, agent: false });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const answered = await text(answer);
    const code = /"code":"(\w+)"/.exec(answered)?.[1];
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: answered, code };
  }

  const bearer = (token: string): OutgoingHttpHeaders => ({ authorization: `Bearer ${token}` });

  describe('the token', () => {
    it.each(['/agents', '/agents/x', '/ports', '/metrics'])('is asked for at %s', async (path) => {
      await using gateway = await start({ admin: { token: 'sesame' } });
      for (const headers of [
        {},
        bearer('guess'),
        bearer(''),
        { authorization: 'Basic c2VzYW1l' },
        { cookie: 'sesame' },
      ]) {
        const { status, code, headers: answered } = await ask(gateway, path, { headers });
        expect([headers, status, code, answered['www-authenticate']]).toEqual([
          ...[headers, 401, 'BERTH_UNAUTHENTICATED'],
          'Bearer realm="berth"',
        ]);
      }
      expect((await ask(gateway, path, { headers: bearer('sesame') })).status).toBe(path === '/agents/x' ? 404 : 200);
    });

    it('is asked for before a change is made', async () => {
      await using gateway = await start({ admin: { token: 'sesame' } });
      expect((await ask(gateway, '/agents/x', { method: 'DELETE' })).status).toBe(401);
      expect((await ask(gateway, '/agents/x', { method: 'DELETE', headers: bearer('sesame') })).status).toBe(404);
    });

    it.each(['/health', '/health/ready', '/docs', '/docs/openapi.json'])('is not needed at %s', async (path) => {
      await using gateway = await start({ admin: { token: 'sesame' } });
      expect((await ask(gateway, path)).status).toBe(200);
    });

    it('is not needed for metrics where a setting says so', async () => {
      await using gateway = await start({ admin: { token: 'sesame', openMetrics: true } });
      expect((await ask(gateway, '/metrics')).status).toBe(200);
      expect((await ask(gateway, '/agents')).status).toBe(401);
    });

    it("is what Swagger's Authorize button sends", async () => {
      await using gateway = await start({ admin: { token: 'sesame' } });
      const document = JSON.parse((await ask(gateway, '/docs/openapi.json')).body) as {
        components: { securitySchemes: Record<string, { type: string; scheme: string }> };
        security: object[];
        paths: Record<string, Record<string, { security?: object[] }>>;
      };
      expect(document.components.securitySchemes).toMatchObject({ token: { type: 'http', scheme: 'bearer' } });
      expect(document.security).toEqual([{ token: [] }]);
      expect(document.paths['/health']?.['get']?.security).toEqual([]);
      expect(document.paths['/agents']?.['get']?.security).toBeUndefined();
    });

    it('must be there where the port listens beyond loopback', () => {
      for (const host of ['0.0.0.0', '::', '192.0.2.1', 'gateway.example.org', '127.0.0.1.example.org']) {
        const http = { host };
        expect(() => defaultGatewaySettings({ http })).toThrow(
          /admin\.token: is needed because http\.host, .*insecure/,
        );
        expect(defaultGatewaySettings({ http, admin: { token: 'sesame' } }).http.host).toBe(host);
        expect(defaultGatewaySettings({ http, admin: { insecure: true } }).http.host).toBe(host);
      }
      for (const host of ['127.0.0.1', '127.8.9.10', '::1', 'localhost'])
        expect(defaultGatewaySettings({ http: { host } }).admin.token).toBe('');
    });

    it('is missed with one line when a setting lets everybody in', async () => {
      const { log, at } = logLines();
      const settings = { http: { host: '0.0.0.0' }, admin: { insecure: true }, auth: { token: 'x' } };
      await using gateway = await testGateway(settings, 4, log);
      expect((await ask(gateway, '/agents')).status).toBe(200);
      expect(at('warn').map(({ msg }) => msg)).toEqual([
        'anybody who reaches the admin port can use it (admin.insecure): set admin.token',
      ]);
    });

    it('is never in the log, right or wrong, and guesses leave a few lines', async () => {
      const { log, at, text: logged } = logLines();
      await using gateway = await testGateway({ admin: { token: 'sesame' } }, 4, log);
      for (let i = 0; i < 20; i += 1) await ask(gateway, '/agents', { headers: bearer(`guess-${i}`) });
      await ask(gateway, '/agents', { headers: bearer('sesame') });
      expect(at('warn').filter(({ msg }) => msg === 'admin request refused')).toHaveLength(5);
      expect(logged()).not.toMatch(/sesame|guess-/);
    });
  });

  describe('Host', () => {
    it.each([
      '127.0.0.1',
      '127.0.0.1:8080',
      '[::1]:8080',
      '192.0.2.7',
      'localhost',
      'LocalHost.:1',
      'ops.example.org:9',
    ])('%s is answered', async (host) => {
      await using gateway = await start({ http: { allowedHosts: ['ops.example.org'] } });
      expect((await ask(gateway, '/agents', { headers: { host } })).status).toBe(200);
    });

    it.each([
      'evil.example.org',
      'evil.example.org:8080',
      'localhost.evil.org',
      '127.0.0.1.evil.org',
      'x',
      '[::1',
      'a:b:c',
    ])('%s is not, on any path', async (host) => {
      await using gateway = await start();
      for (const path of ['/agents', '/health', '/docs/openapi.json', '/nothing']) {
        const { status, code } = await ask(gateway, path, { headers: { host } });
        expect([path, status, code]).toEqual([path, 421, 'BERTH_HOST_NOT_ALLOWED']);
      }
    });

    it('may be any where a setting says so, and missing in HTTP/1.0', async () => {
      await using gateway = await start({ http: { allowedHosts: ['*'] } });
      expect((await ask(gateway, '/agents', { headers: { host: 'any.example.org' } })).status).toBe(200);
      await using stack = new AsyncDisposableStack();
      using client = await RawClient.connect(stack.use(await start()).adminPort);
      client.send('GET /health HTTP/1.0\r\n\r\n');
      await eventually(() => client.text().includes('{"status":"ok"}'));
    });
  });

  describe('changes', () => {
    const change = async (headers: OutgoingHttpHeaders, body?: string): Promise<[number, string | undefined]> => {
      await using gateway = await start();
      const { adminPort } = gateway;
      const host = `127.0.0.1:${adminPort}`;
      const own = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v).replace('SELF', host)]));
      const { status, code } = await ask(gateway, '/agents/x', {
        method: 'DELETE',
        headers: own,
        ...(body && { body }),
      });
      return [status, code];
    };

    it.each([
      {},
      { 'sec-fetch-site': 'same-origin', origin: 'http://SELF' },
      { 'sec-fetch-site': 'same-origin' },
      { origin: 'http://SELF' },
    ])('are taken with %j', async (headers) => {
      expect(await change(headers)).toEqual([404, 'BERTH_NOT_FOUND']);
    });

    it.each([
      { origin: 'http://evil.example.org' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'http://SELF' },
      { 'sec-fetch-site': 'none', origin: 'http://evil.example.org' },
    ])('are not taken with %j', async (headers) => {
      expect(await change(headers)).toEqual([403, 'BERTH_CROSS_SITE']);
    });

    it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
      'with a body of type %j are not taken',
      async (type) => {
        const headers = type === '' ? {} : { 'content-type': type };
        expect(await change({ ...headers, 'content-length': '2' }, '{}')).toEqual([
          415,
          'BERTH_UNSUPPORTED_MEDIA_TYPE',
        ]);
        expect(await change({ ...headers, 'transfer-encoding': 'chunked' }, '{}')).toEqual([
          ...[415, 'BERTH_UNSUPPORTED_MEDIA_TYPE'],
        ]);
      },
    );

    it('with a JSON body are taken', async () => {
      const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': '2' };
      expect(await change(headers, '{}')).toEqual([404, 'BERTH_NOT_FOUND']);
    });
  });

  describe('every answer', () => {
    it.each(['/agents', '/health', '/docs', '/docs/swagger-ui.css', '/nothing', '/agents/nobody'])(
      'of %s is not guessed at, framed or kept',
      async (path) => {
        await using stack = new AsyncDisposableStack();
        const { headers } = await ask(stack.use(await start()), path);
        expect(headers).toMatchObject({
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
          'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
          'cache-control': 'no-store',
          'cross-origin-resource-policy': 'same-origin',
        });
        expect(headers['access-control-allow-origin']).toBeUndefined();
      },
    );

    it.each([
      ['POST', '/agents', 'GET, HEAD, OPTIONS'],
      ['PUT', '/agents/x', 'DELETE, GET, HEAD, OPTIONS'],
      ['PATCH', '/Health/Ready/', 'GET, HEAD, OPTIONS'],
      ['DELETE', '/metrics', 'GET, HEAD, OPTIONS'],
      ['POST', '/docs', 'GET, HEAD, OPTIONS'],
    ])('to %s %s is 405 with Allow', async (method, path, allow) => {
      await using stack = new AsyncDisposableStack();
      const answer = await ask(stack.use(await start()), path, { method });
      expect([answer.status, answer.code, answer.headers.allow]).toEqual([405, 'BERTH_METHOD_NOT_ALLOWED', allow]);
    });

    it('to OPTIONS says what is allowed, and to HEAD has no body', async () => {
      await using gateway = await start();
      const options = await ask(gateway, '/agents/x', { method: 'OPTIONS' });
      expect([options.status, options.headers.allow, options.body]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS', '']);
      const head = await ask(gateway, '/agents', { method: 'HEAD' });
      expect([head.status, head.body]).toEqual([200, '']);
    });
  });

  describe('slow clients', () => {
    it.each([
      ['a head', 'GET /agents HTTP/1.1\r\nHost: localhost\r\n'],
      [
        'a body',
        'DELETE /agents/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      ],
    ])('with %s that does not end get 408', async (_, bytes) => {
      await using gateway = await start({ http: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
      using client = await RawClient.connect(gateway.adminPort);
      client.send(bytes);
      const answer = await eventually(() => (client.ended ? client.text() : undefined));
      expect(answer).toMatch(/^HTTP\/1\.1 408 .*"BERTH_REQUEST_TIMEOUT"/s);
      expect(answer).toContain('X-Content-Type-Options: nosniff');
    });

    it('that never send a byte are let go', async () => {
      await using gateway = await start({ http: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
      using client = await RawClient.connect(gateway.adminPort);
      await eventually(() => client.ended || client.closed);
    });
  });
});
