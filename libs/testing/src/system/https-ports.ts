import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { localService, owning } from '../index.js';
import { type KeyPair, TestCa } from './certificates.js';
import { type TestAgent, testAgent, testGateway } from './harness.js';
import { type LogLines, logLines } from './log-lines.js';

type TlsSettings = DeepPartial<GatewaySettings['ingress']['tls']>;

/** One agent with an HTTPS port, and one for the same service under the name `api`; it answers with the headers that it got. */
export interface HttpsPort extends AsyncDisposable {
  agent: TestAgent;
  port: number;
  log: LogLines;
  /** paths that have reached the service */
  asked: string[];
  admin: (path: string) => Promise<Response>;
}

/** Certificates, and ports and clients that use them. `remove` of it ends the former. */
export function httpsPorts() {
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
  const remove = (): void => {
    ca.remove();
    otherCa.remove();
  };

  async function lab(tls: TlsSettings = {}, more: DeepPartial<GatewaySettings> = {}): Promise<HttpsPort> {
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
    const agent = stack.use(
      await testAgent(gateway, service.port, { id: 'a1', expose: { api: `http://127.0.0.1:${service.port}` } }),
    );
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

  return { ca, otherCa, main, trusted, secrets, together, lab, get, headersOf, connected, remove };
}
