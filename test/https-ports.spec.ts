import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import type { DeepPartial } from '@berth/config';
import { eventually, localService, owning } from '@berth/testing';
import {
  type KeyPair,
  logLines,
  type LogLines,
  type TestAgent,
  testAgent,
  TestCa,
  testGateway,
} from '@berth/testing/system';
import type { GatewaySettings } from 'berth-gateway';

type TlsSettings = DeepPartial<GatewaySettings['ingress']['tls']>;

interface Lab extends AsyncDisposable {
  agent: TestAgent;
  port: number;
  log: LogLines;
  /** paths that have reached the service */
  asked: string[];
  admin: (path: string) => Promise<Response>;
}

describe("HTTPS on agents' ports", () => {
  const ca = new TestCa();
  const otherCa = new TestCa('another CA');
  const main = ca.issue('gateway', 'DNS:gateway.test,IP:127.0.0.1');
  const trusted = { ca: readFileSync(ca.caFile) };
  const secrets = (pair: KeyPair) => ({ cert: readFileSync(pair.certFile), key: readFileSync(pair.keyFile) });
  /** Chain and key in one file, as `certificates` and `sniFiles` have them. */
  const together = (pair: KeyPair): string => {
    const file = `${pair.certFile}.pem`;
    writeFileSync(file, Buffer.concat([readFileSync(pair.certFile), readFileSync(pair.keyFile)]));
    return file;
  };
  afterAll(() => {
    ca.remove();
    otherCa.remove();
  });

  async function lab(tls: TlsSettings = {}, more: DeepPartial<GatewaySettings> = {}): Promise<Lab> {
    await using stack = new AsyncDisposableStack();
    const asked: string[] = [];
    const service = stack.use(
      await localService((request, response) => {
        const { method, url = '' } = request;
        asked.push(`${method ?? ''} ${url}`);
        if (url === '/echo') request.pipe(response);
        else if (url === '/cut') {
          response.writeHead(200, { Connection: 'close' });
          response.write('half of it', () => request.socket.resetAndDestroy());
        } else if (url === '/slow') setTimeout(() => response.end('late'), 300);
        else response.end(JSON.stringify(request.headers));
      }),
    );
    const sockets = new WebSocketServer({ server: service.server });
    sockets.on('connection', (socket) => {
      socket.on('message', (data) => {
        socket.send(`echo ${(data as Buffer).toString()}`);
      });
    });
    const log = logLines();
    const settings = { ...more, ingress: { ...more.ingress, tls: { enabled: true, ...main, ...tls } } };
    const gateway = stack.use(await testGateway(settings, 4, log.log));
    const agent = stack.use(await testAgent(gateway, service.port, { id: 'a1' }));
    const admin = async (path: string): Promise<Response> => await fetch(`${gateway.admin}${path}`);
    return owning({ agent, port: agent.port, log, asked, admin }, stack);
  }

  async function get(
    port: number,
    path = '/',
    options: RequestOptions = {},
    body?: Buffer,
  ): Promise<{ status: number; body: Buffer; certificate: string }> {
    const request = httpsRequest({ host: '127.0.0.1', port, path, agent: false, ...trusted, ...options });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const certificate = (response.socket as TLSSocket).getPeerCertificate().subject.CN;
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks), certificate: String(certificate) };
  }

  const headersOf = async (port: number, options: RequestOptions = {}): Promise<Record<string, string>> =>
    JSON.parse((await get(port, '/', options)).body.toString()) as Record<string, string>;

  async function connected(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connectTls({ host: '127.0.0.1', port, ...trusted, ...options });
    await once(socket, 'secureConnect');
    return socket;
  }

  it('carries requests and bodies, and says https wherever an address is shown', async () => {
    await using setup = await lab();
    const headers = await headersOf(setup.port);
    expect(headers['x-forwarded-proto']).toBe('https');
    expect(headers['x-client-cert-subject']).toBeUndefined();
    const body = randomBytes(20_000_000);
    const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    const answer = await get(setup.port, '/echo', { method: 'POST' }, body);
    expect(sum(answer.body)).toBe(sum(body));
    const servers = (await (await setup.admin('/servers')).json()) as { servers: { name: string; scheme: string }[] };
    expect(servers.servers.find(({ name }) => name === 'agent a1')?.scheme).toBe('https');
  });

  it('speaks HTTP/2 with those who ask for it, and HTTP/1.1 with others', async () => {
    await using setup = await lab();
    const client = connectHttp2(`https://127.0.0.1:${setup.port}`, trusted);
    const stream = client.request({ ':path': '/two' });
    const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(head[':status']).toBe(200);
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect((JSON.parse(text) as Record<string, string>)['x-forwarded-proto']).toBe('https');
    client.close();
    const old = await connected(setup.port);
    expect(old.alpnProtocol).toBe(false);
    old.destroy();
  });

  it('carries WebSockets', async () => {
    await using setup = await lab();
    const socket = new WebSocket(`wss://127.0.0.1:${setup.port}/`, trusted);
    await once(socket, 'open');
    socket.send('hello');
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(data.toString()).toBe('echo hello');
    socket.close();
    await once(socket, 'close');
  });

  it('an answer that is cut off never looks complete', async () => {
    await using setup = await lab();
    await expect(get(setup.port, '/cut')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  it('the certificate of the agent, of the name asked for, of all ports: in that order', async () => {
    const own = together(ca.issue('own', 'DNS:own.test'));
    const further = together(ca.issue('further', 'DNS:*.further.test'));
    await using setup = await lab({ certificates: { a1: own }, sniFiles: [further] });
    const asked = async (servername: string): Promise<string> =>
      (await get(setup.port, '/', { servername, rejectUnauthorized: false })).certificate;
    expect(await asked('')).toBe('own');
    expect(await asked('own.test')).toBe('own');
    expect(await asked('b.further.test')).toBe('further');
    expect(await asked('gateway.test')).toBe('gateway');
    expect(await asked('nobody.test')).toBe('own');
  });

  it('a changed file counts for new connections at once, and those that stand go on', async () => {
    const pair = ca.issue('first', 'IP:127.0.0.1');
    const next = ca.issue('second', 'IP:127.0.0.1');
    await using setup = await lab(pair);
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await get(setup.port, '/', { agent: kept })).certificate).toBe('first');
    copyFileSync(next.certFile, pair.certFile);
    await eventually(() => setup.log.lines.some(({ msg }) => msg.startsWith('certificates of ports were not')));
    expect((await get(setup.port)).certificate).toBe('first');
    copyFileSync(next.keyFile, pair.keyFile);
    await eventually(async () => (await get(setup.port)).certificate === 'second');
    expect((await get(setup.port, '/', { agent: kept })).certificate).toBe('first');
    kept.destroy();
  });

  it('a file that breaks while the gateway runs changes nothing, and is told with its setting', async () => {
    const pair = ca.issue('first', 'IP:127.0.0.1');
    await using setup = await lab(pair);
    writeFileSync(pair.certFile, 'nonsense');
    await eventually(() =>
      setup.log.lines.some(
        ({ reason }) => reason === `ingress.tls.certFile: ${pair.certFile} is no certificate in PEM form`,
      ),
    );
    expect((await get(setup.port)).certificate).toBe('first');
  });

  it.each([
    ['a missing file', () => ({ certFile: join(ca.folder, 'none.crt') }), 'ingress.tls.certFile: cannot read'],
    ['a key of another certificate', () => ({ keyFile: ca.issue('other').keyFile }), 'ingress.tls.keyFile: '],
    ['a certificate without its key', () => ({ sniFiles: [main.certFile] }), 'ingress.tls.sniFiles: '],
    ['ciphers that nobody knows', () => ({ ciphers: 'NO-SUCH-CIPHER' }), 'ingress.tls.ciphers: '],
    ['no file', () => ({ certFile: '' }), 'ingress.tls.certFile'],
    ['no CA', () => ({ clientCert: 'require' as const }), 'ingress.tls.caFile'],
    ['a wrong name', () => ({ certificates: { 'a 1': main.certFile } }), 'must be an agent id, or agent id/service'],
  ])('%s ends the start with the name of the setting', async (_name, tls, message) => {
    await expect(lab(tls())).rejects.toThrow(message);
  });

  it('client certificates: demanded, and their subject told as clients cannot tell it', async () => {
    await using setup = await lab({ clientCert: 'require', caFile: ca.caFile });
    const forged = { 'X-Client-Cert-Subject': 'CN=root', X_Client_Cert_Subject: 'CN=root' };
    const headers = await headersOf(setup.port, { ...secrets(ca.issue('Zoe, Ltd')), headers: forged });
    expect(headers['x-client-cert-subject']).toBe('CN=Zoe\\, Ltd');
    expect(headers['x_client_cert_subject']).toBeUndefined();
    await expect(get(setup.port)).rejects.toThrow();
    await expect(get(setup.port, '/', secrets(otherCa.issue('evil')))).rejects.toThrow();
    expect(setup.asked).toHaveLength(1);
  });

  it('client certificates that are only asked for: none is no subject, a foreign one no connection', async () => {
    await using setup = await lab({ clientCert: 'request', caFile: ca.caFile });
    const forged = { 'x-client-cert-subject': 'CN=root' };
    expect((await headersOf(setup.port, { headers: forged }))['x-client-cert-subject']).toBeUndefined();
    expect((await headersOf(setup.port, secrets(ca.issue('me'))))['x-client-cert-subject']).toBe('CN=me');
    await expect(get(setup.port, '/', secrets(otherCa.issue('evil')))).rejects.toThrow();
    const client = connectHttp2(`https://127.0.0.1:${setup.port}`, { ...trusted, ...secrets(ca.issue('two')) });
    const stream = client.request({ ':path': '/', 'x-client-cert-subject': 'CN=root' });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect((JSON.parse(text) as Record<string, string>)['x-client-cert-subject']).toBe('CN=two');
    client.close();
  });

  it('clear text, garbage and handshakes that stop concern nobody else, and are over in time', async () => {
    await using setup = await lab({}, { ingress: { headersTimeoutMs: 300 } });
    const clear = connectTcp(setup.port, '127.0.0.1');
    clear.on('error', () => undefined);
    const cleared = once(clear.resume(), 'close');
    clear.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const silent = connectTcp(setup.port, '127.0.0.1');
    silent.on('error', () => undefined).resume();
    const silenced = once(silent, 'close');
    const headless = await connected(setup.port);
    headless.on('error', () => undefined).resume();
    const ends = [cleared, silenced, once(headless, 'close')];
    expect((await get(setup.port)).status).toBe(200);
    await Promise.all(ends);
    expect((await get(setup.port)).status).toBe(200);
    expect(setup.asked).toHaveLength(2);
  });

  it('limits count connections before their handshake, give their room back, and answer what is beyond', async () => {
    await using setup = await lab({}, { agentPorts: { maxConnectionsPerAddress: 2 } });
    const silent = connectTcp(setup.port, '127.0.0.1');
    await once(silent, 'connect');
    const other = await connected(setup.port);
    const refused = await get(setup.port);
    expect(refused.status).toBe(503);
    expect(refused.body.toString()).toContain('BERTH_CLIENT_LIMIT');
    silent.destroy();
    other.destroy();
    await eventually(async () => (await get(setup.port)).status === 200);
  });

  it('connections whose clients have left are gone, with or without a handshake', async () => {
    await using setup = await lab();
    const connections = async (): Promise<number | undefined> => {
      const { servers } = (await (await setup.admin('/servers')).json()) as {
        servers: { name: string; connections: number }[];
      };
      return servers.find(({ name }) => name === 'agent a1')?.connections;
    };
    const bare = connectTcp(setup.port, '127.0.0.1');
    await once(bare, 'connect');
    bare.end();
    (await connected(setup.port)).destroy();
    const client = connectHttp2(`https://127.0.0.1:${setup.port}`, trusted);
    const stream = client.request({ ':path': '/' });
    await once(stream.resume(), 'end');
    client.close();
    // That of the probe itself may be open still.
    await eventually(async () => ((await connections()) ?? 9) <= 1);
  });

  it('a request under way ends in order when the agent leaves', async () => {
    await using setup = await lab();
    const answer = get(setup.port, '/slow');
    await eventually(() => setup.asked.includes('GET /slow'));
    await setup.agent.stop();
    expect((await answer).body.toString()).toBe('late');
  });

  it('tells when certificates expire: in the log, and as a metric', async () => {
    const soon = together(ca.issue('soon', undefined, 3));
    const past = together(ca.issue('past', undefined, -1));
    await using setup = await lab({ ...ca.issue('long', 'IP:127.0.0.1', 100), sniFiles: [soon, past] });
    const told = setup.log.lines.filter(({ setting }) => setting !== undefined);
    expect(told).toEqual([
      expect.objectContaining({ level: 'warn', file: soon, daysLeft: 2, msg: 'a certificate of ports expires soon' }),
      expect.objectContaining({
        level: 'error',
        file: past,
        msg: 'a certificate of ports has expired: clients refuse it',
      }),
    ]);
    const metrics = await (await setup.admin('/metrics')).text();
    const found = metrics.match(/^berth_port_certificate_not_after_seconds\{.*\} (\S+)$/gm) ?? [];
    expect(found).toHaveLength(3);
  });
});
