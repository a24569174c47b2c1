import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BerthError } from '@berth/errors';
import { silentLog } from '@berth/observability';
import { owning, freePortRange, localService } from '@berth/testing';
import { testAgent } from '@berth/testing/system';
import {
  GatewayModule,
  type IngressAnswer,
  type IngressInterceptor,
  type IngressRequest,
  type IngressResponse,
  TunnelGrpcServer,
  UseAtIngress,
} from 'berth-gateway';
import { TenantGate } from './tenant-gate.js';

@Injectable()
@UseAtIngress({ order: 20 })
class Awkward implements IngressInterceptor {
  async onRequest(request: IngressRequest): Promise<IngressAnswer | undefined> {
    await sleep(5);
    if (request.target === '/throws') throw new Error('a bug');
    if (request.target === '/invalid-answer') return { status: 200, headers: ['X-Bad', 'a\r\nb'] };
    if (request.target === '/invalid-request') request.headers.push('X-Bad', '\u2028');
    if (request.target === '/too-many') throw new BerthError('BERTH_TOO_MANY_REQUESTS', 'slow down');
    request.headers.push('X-Order', request.headers.includes('X-Agent-Id') ? 'after the gate' : 'before the gate');
    return undefined;
  }

  async onResponse(response: IngressResponse, request: IngressRequest): Promise<void> {
    await sleep(5);
    if (request.target === '/bad-response') throw new Error('a bug');
    if (request.target === '/teapot') response.status = 418;
  }
}

describe('example: an ingress interceptor', () => {
  /** @returns the agent's address and the targets that reached the local service */
  async function start(providers: Provider[]): Promise<{ url: string; seen: string[] } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    @Module({
      imports: [
        GatewayModule.forRoot({
          settings: {
            http: { agentPortRange: await freePortRange(2) },
            grpc: { host: '127.0.0.1', port: 0 },
            agentPorts: { host: '127.0.0.1' },
          },
          log: silentLog,
        }),
      ],
      providers,
    })
    class App {}
    const seen: string[] = [];
    const service = await localService((request, response) => {
      seen.push(request.url ?? '');
      if (request.url === '/large') response.end('x'.repeat(300_000));
      else response.end(JSON.stringify(request.headers));
    });
    stack.adopt(service, (it) => it.close());
    const app = stack.adopt(await NestFactory.create(App, { logger: false }), (it) => it.close());
    await app.init();
    const { port: grpcPort } = app.get(TunnelGrpcServer);
    const agent = stack.use(await testAgent({ grpcPort }, service.port, { id: 'kiosk-7' }));
    return owning({ url: agent.url, seen }, stack);
  }

  it('adds headers to requests and answers', async () => {
    await using setup = await start([TenantGate]);
    const { url } = setup;
    const answer = await fetch(`${url}/page`);
    expect(await answer.json()).toMatchObject({ 'x-agent-id': 'kiosk-7' });
    expect(answer.headers.get('x-relayed-by')).toBe('berth');
  });

  it('blocks a path before the agent sees it', async () => {
    await using setup = await start([TenantGate]);
    const { url, seen } = setup;
    const answer = await fetch(`${url}/internal/keys`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect([answer.status, await answer.text()]).toEqual([403, 'not from outside\n']);
    expect(seen).toEqual([]);
    expect((await fetch(`${url}/page`)).status).toBe(200);
  });

  it('may be asynchronous, and runs in order', async () => {
    await using setup = await start([Awkward, TenantGate]);
    const { url } = setup;
    expect(await (await fetch(`${url}/page`)).json()).toMatchObject({ 'x-order': 'after the gate' });
    const large = await fetch(`${url}/large`);
    expect(await large.text()).toHaveLength(300_000);
    expect((await fetch(`${url}/teapot`)).status).toBe(418);
    const upload = await fetch(`${url}/page`, { method: 'POST', body: 'x'.repeat(300_000) });
    expect(await upload.json()).toMatchObject({ 'content-length': '300000' });
  });

  it('that throws spoils its own request only', async () => {
    await using setup = await start([Awkward]);
    const { url, seen } = setup;
    const statuses: [string, number, string][] = [
      ['/throws', 500, 'BERTH_INTERNAL'],
      ['/invalid-answer', 500, 'BERTH_INTERNAL'],
      ['/too-many', 429, 'BERTH_TOO_MANY_REQUESTS'],
      ['/invalid-request', 500, 'BERTH_INTERNAL'],
      ['/bad-response', 500, 'BERTH_INTERNAL'],
    ];
    const others = Promise.all([1, 2, 3].map(async (i) => (await fetch(`${url}/page-${i}`)).status));
    for (const [path, status, code] of statuses) {
      const answer = await fetch(url + path);
      expect([path, answer.status, await answer.json()]).toEqual([
        path,
        status,
        { error: { code, message: expect.any(String), request_id: expect.any(String) } },
      ]);
    }
    expect(await others).toEqual([200, 200, 200]);
    expect(seen).not.toContain('/throws');
    expect((await fetch(`${url}/page`)).status).toBe(200);
  });
});
