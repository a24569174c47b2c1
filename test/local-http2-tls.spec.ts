import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import { h2Service, listening } from '@berth/testing';
import { type KeyPair, send, testAgent, TestCa, testGateway } from '@berth/testing/system';

describe('a service of HTTP/2 with TLS beside the agent', () => {
  let ca: TestCa;
  let home: KeyPair;
  beforeAll(() => {
    ca = new TestCa();
    home = ca.issue('localhost', 'DNS:localhost,IP:127.0.0.1');
  });
  afterAll(() => {
    ca.remove();
  });

  const keys = (): { cert: Buffer; key: Buffer } => ({
    cert: readFileSync(home.certFile),
    key: readFileSync(home.keyFile),
  });

  it('is reached with its CA, by HTTP/2 alone', async () => {
    const server = createSecureServer({ ...keys(), allowHTTP1: true }, (request, response) => {
      response.end(`${request.httpVersion} ${request.headers[':scheme']?.toString() ?? ''}`);
    });
    await using service = await listening(server);
    await using gateway = await testGateway();
    const tls = { caFile: ca.caFile };
    await using agent = await testAgent(gateway, `h2://localhost:${service.port}`, { local: { tls } });
    expect((await send(agent.port)).text).toBe('2.0 https');
  });

  it('a certificate that is not accepted is named with its setting', async () => {
    await using service = await listening(createSecureServer(keys()));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, `h2://localhost:${service.port}`);
    const { status, text } = await send(agent.port);
    expect(status).toBe(502);
    expect(text).toContain('its certificate is not accepted');
    expect(text).toContain('local.tls.caFile');
  });

  it('a service that has only HTTP/1.1 is named as such', async () => {
    await using service = await listening(createServer({ ...keys(), ALPNProtocols: ['http/1.1'] }));
    await using unaware = await listening(createServer({ ...keys(), ALPNProtocols: [] }));
    await using gateway = await testGateway({}, 8);
    for (const [id, { port }] of [
      ['alpn', service],
      ['without', unaware],
    ] as const) {
      await using agent = await testAgent(gateway, `h2://127.0.0.1:${port}`, { id, local: { tls: { verify: false } } });
      const { status, text } = await send(agent.port);
      expect(status).toBe(502);
      expect(text).toMatch(/it does not speak HTTP\/2|TLS cannot be agreed on with it: .*no application protocol/);
    }
  });

  it('a service in clear behind h2:// is named as such', async () => {
    await using service = await h2Service((stream) => stream.close());
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, `h2://127.0.0.1:${service.port}`);
    expect((await send(agent.port)).text).toContain('it does not speak TLS');
  });
});
