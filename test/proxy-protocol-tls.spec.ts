import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectH2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import {
  askAs,
  behindProxy,
  CLOSING_GET,
  httpsPorts,
  PROXY_V1,
  PROXY_V2,
  proxied,
  relayToListener,
  warningsOf,
} from '@berth/testing/system';

describe('the PROXY protocol before HTTPS and HTTP/2', () => {
  const { lab: httpsLab, remove, trusted } = httpsPorts();
  afterAll(remove);

  const overTls = async (port: number, header: string, ALPNProtocols: string[]) => {
    const raw = await proxied(port);
    raw.socket.removeAllListeners('data');
    raw.send(header);
    const socket = connectTls({ socket: raw.socket, servername: 'gateway.test', ALPNProtocols, ...trusted });
    await once(socket, 'secureConnect');
    return socket;
  };

  it('the header comes before the handshake, whole or in single bytes', async () => {
    await using setup = await httpsLab({}, { policies: behindProxy({ deny: ['203.0.113.8'] }) });
    const get = async (header: string): Promise<string> => {
      const socket = await overTls(setup.port, header, ['http/1.1']);
      socket.write(CLOSING_GET);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      return String(Buffer.concat(chunks));
    };
    expect(await get(PROXY_V1)).toMatch(/^HTTP\/1\.1 200 .*"x-forwarded-for":"203\.0\.113\.7"/s);
    expect(await get(PROXY_V2)).toMatch(/"x-forwarded-for":"203\.0\.113\.7","x-forwarded-proto":"https"/);
    expect(await get(PROXY_V1.replace('.7 ', '.8 '))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await get('PROXY UNKNOWN\r\n')).toMatch(/"x-forwarded-for":"127\.0\.0\.2"/);
    await expect(get('')).rejects.toThrow();
    expect(warningsOf(setup).map(({ reason }) => reason)).toContain('it does not begin with a PROXY header');
  });

  it('limits of connections count who is named, before the handshake', async () => {
    await using setup = await httpsLab({}, { policies: behindProxy({}, { limits: { maxConnectionsPerAddress: 1 } }) });
    const held = await overTls(setup.port, PROXY_V1, ['http/1.1']);
    const status = async (header: string): Promise<string> => {
      const socket = await overTls(setup.port, header, ['http/1.1']);
      socket.write(CLOSING_GET);
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      return String(bytes).slice(9, 12);
    };
    expect(await status(PROXY_V1.replace('4711', '4712'))).toBe('503');
    expect(await status(PROXY_V1.replace('.7 ', '.8 '))).toBe('200');
    held.destroy();
  });

  const headersOf = async (session: ClientHttp2Session): Promise<string> => {
    const stream = session.request({ ':path': '/' });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    session.destroy();
    return String(Buffer.concat(chunks));
  };

  it('HTTP/2 by ALPN, and with prior knowledge', async () => {
    await using secure = await httpsLab({}, { policies: behindProxy() });
    const tls = await overTls(secure.port, PROXY_V2, ['h2']);
    const session = connectH2('https://gateway.test', { createConnection: () => tls });
    expect(await headersOf(session)).toContain('"x-forwarded-for":"203.0.113.7"');
    await using clear = await relayToListener((request, response) => response.end(JSON.stringify(request.headers)), {
      gateway: { policies: behindProxy(), ingress: { http2: { clear: true } } },
    });
    const raw = await proxied(clear.port);
    raw.socket.removeAllListeners('data');
    raw.send(PROXY_V1);
    const prior = connectH2('http://a', { createConnection: () => raw.socket });
    expect(await headersOf(prior)).toContain('"x-forwarded-for":"203.0.113.7"');
    expect(await askAs(clear.port, PROXY_V2 + CLOSING_GET)).toContain('"x-forwarded-for":"203.0.113.7"');
  });
});
