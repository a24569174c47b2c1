import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DynamicModule, Injectable, Module, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import cors from 'cors';
import { type Log, silentLog } from '@berth/observability';
import { disposable, eventually, freePortRange, localService, owning, RawClient } from '@berth/testing';
import { H2_PREFACE, logLines, testAgent } from '@berth/testing/system';
import { type AgentPortMiddleware, GatewayModule, TunnelGrpcServer, UseOnAgentPorts } from 'berth-gateway';
import { StrictHeaders } from './strict-headers.js';

@Injectable()
@UseOnAgentPorts()
class Cors implements AgentPortMiddleware {
  readonly use = cors({ origin: 'https://app.example', credentials: true });
}

/** Answers by itself, slowly or at once; fails; and does what it must not. */
@Injectable()
@UseOnAgentPorts({ order: 20 })
class Doorman implements AgentPortMiddleware {
  async use({ url }: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): Promise<void> {
    if (url === '/slow' || url === '/slow-closed') await sleep(50);
    if (url === '/closed' || url === '/slow-closed') {
      response.writeHead(403, { 'Content-Type': 'text/plain' }).end('closed\n');
      return;
    }
    if (url === '/answers-as-well') {
      response.end('from the middleware: /answers-as-well');
    }
    if (url === '/throws') throw new Error('a bug');
    if (url === '/fails') {
      next(new Error('a bug'));
      return;
    }
    next();
    if (url === '/twice') next();
    if (url === '/late') throw new Error('a bug');
  }
}

@Injectable()
@UseOnAgentPorts()
class Undecided implements AgentPortMiddleware {
  appliesTo(): boolean {
    throw new Error('a bug');
  }

  use(_: IncomingMessage, response: ServerResponse, next: () => void): void {
    response.setHeader('X-Guard', 'on');
    next();
  }
}

describe('example: Express middleware on the ports of agents', () => {
  /** @returns the agent's address and the targets that reached the local service */
  async function start(
    providers: Provider[],
    {
      metadata = {},
      corsOrigins = [],
      log = silentLog,
    }: { metadata?: Record<string, string>; corsOrigins?: string[]; log?: Log } = {},
  ): Promise<{ url: string; port: number; seen: string[] } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const gateway: DynamicModule = GatewayModule.forRoot({
      settings: {
        http: { agentPortRange: await freePortRange(2) },
        grpc: { host: '127.0.0.1', port: 0 },
        agentPorts: { host: '127.0.0.1', corsOrigins },
        ingress: { http2: { clear: true } },
      },
      log,
    });
    @Module({ imports: [gateway], providers })
    class App {}
    const seen: string[] = [];
    const service = await localService((request, response) => {
      seen.push(request.url ?? '');
      request.resume().once('end', () => response.end(`from the service: ${request.url ?? ''}`));
    });
    stack.adopt(service, (it) => it.close());
    const app = stack.adopt(await NestFactory.create(App, { logger: false, abortOnError: false }), (it) => it.close());
    await app.init();
    const { port: grpcPort } = app.get(TunnelGrpcServer);
    const agent = stack.use(await testAgent({ grpcPort }, service.port, { metadata }));
    return owning({ url: agent.url, port: agent.port, seen }, stack);
  }

  it('helmet: headers for the agents that it chooses', async () => {
    await using stack = new AsyncDisposableStack();
    const pages = stack.use(await start([StrictHeaders], { metadata: { kind: 'pages' } }));
    const page = await fetch(pages.url);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(await page.text()).toBe('from the service: /');
    const api = stack.use(await start([StrictHeaders], { metadata: { kind: 'api' } }));
    expect((await fetch(api.url)).headers.has('x-content-type-options')).toBe(false);
  });

  it('cors: preflights are answered, other requests are relayed with its headers', async () => {
    await using setup = await start([Cors]);
    const { url, seen } = setup;
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'PUT' };
    const preflight = await fetch(url, { method: 'OPTIONS', headers });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://app.example',
    ]);
    const upload = await fetch(`${url}/file`, { method: 'PUT', headers, body: 'x'.repeat(300_000) });
    expect([upload.headers.get('access-control-allow-credentials'), await upload.text()]).toEqual([
      'true',
      'from the service: /file',
    ]);
    expect(seen).toEqual(['/file']);
  });

  it('ports with it speak HTTP/1.1 alone, which the log says once', async () => {
    const { lines, log } = logLines();
    await using setup = await start([Cors], { log });
    using raw = await RawClient.connect(setup.port);
    raw.send(H2_PREFACE);
    await eventually(() => raw.ended || raw.closed);
    expect(raw.text()).toMatch(/^(HTTP\/1\.1 400 |$)/);
    expect(lines.filter(({ msg }) => msg.includes('speak HTTP/1.1 alone'))).toHaveLength(1);
  });

  it('agentPorts.corsOrigins: the origins named, or all', async () => {
    const allowed = async (url: string): Promise<string | null> =>
      (await fetch(url, { headers: { origin: 'https://a.example' } })).headers.get('access-control-allow-origin');
    await using stack = new AsyncDisposableStack();
    const named = stack.use(await start([], { corsOrigins: ['https://a.example'] }));
    expect(await allowed(named.url)).toBe('https://a.example');
    const other = stack.use(await start([], { corsOrigins: ['https://b.example'] }));
    expect(await allowed(other.url)).toBeNull();
    const all = stack.use(await start([], { corsOrigins: ['*'] }));
    expect(await allowed(all.url)).toBe('*');
  });

  it('one that answers by itself: nothing reaches the agent, and the connection goes on', async () => {
    await using setup = await start([Doorman]);
    const { url, seen } = setup;
    const closed = await fetch(`${url}/closed`);
    expect([closed.status, await closed.text()]).toEqual([403, 'closed\n']);
    const unread = await fetch(`${url}/slow-closed`, { method: 'POST', body: 'x'.repeat(1_000_000) });
    expect([unread.status, await unread.text()]).toEqual([403, 'closed\n']);
    expect(await (await fetch(`${url}/open`)).text()).toBe('from the service: /open');
    expect(seen).toEqual(['/open']);
  });

  it('one that fails spoils its own request only', async () => {
    await using setup = await start([Doorman]);
    const { url } = setup;
    for (const path of ['/throws', '/fails', '/throws']) {
      const answer = await fetch(url + path);
      expect([answer.status, await answer.json()]).toMatchObject([500, { error: { code: 'BERTH_INTERNAL' } }]);
    }
    expect(await (await fetch(`${url}/answers-as-well`)).text()).toBe('from the middleware: /answers-as-well');
    for (const path of ['/twice', '/late'])
      expect(await (await fetch(url + path)).text()).toBe(`from the service: ${path}`);
    expect(await (await fetch(`${url}/open`)).text()).toBe('from the service: /open');
  });

  it('one that cannot tell whether it is meant runs', async () => {
    await using setup = await start([Undecided]);
    const { url } = setup;
    expect((await fetch(url)).headers.get('x-guard')).toBe('on');
  });

  it('answers of pipelined requests keep their order, whoever takes longer', async () => {
    await using setup = await start([Doorman]);
    const { port } = setup;
    const paths = ['/slow', '/closed', '/open-1', '/answers-as-well', '/slow-closed', '/open-2', '/throws'];
    await using socket = disposable(connect(port, '127.0.0.1'), (it) => it.destroy());
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    let text = '';
    for await (const bytes of socket) {
      text += String(bytes);
      if (text.includes('BERTH_INTERNAL')) break;
    }
    const order = [...text.matchAll(/from the (?:service|middleware): (\/[a-z-]+\d?)|^closed$|BERTH_INTERNAL/gm)].map(
      ([all, path]) => path ?? all,
    );
    expect(order).toEqual(['/slow', 'closed', '/open-1', '/answers-as-well', 'closed', '/open-2', 'BERTH_INTERNAL']);
  });
});
