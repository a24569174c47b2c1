import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { silentLog } from '@berth/observability';
import { freePortRange, localService, owning } from '@berth/testing';
import { testAgent } from '@berth/testing/system';
import {
  type ExchangeHandler,
  type ExchangeRule,
  GatewayModule,
  setHeader,
  TunnelGrpcServer,
  UseOnExchanges,
} from 'berth-gateway';
import { ReadOnly } from './read-only.js';

/** Waits before it opens, without a place of its own; changes heads both ways. */
@Injectable()
@UseOnExchanges()
class Unhurried implements ExchangeRule {
  handlerFor(): ExchangeHandler {
    return (next) => (request, sink) => {
      const timer = setTimeout(() => {
        setHeader(request.openHead.headers, 'X-Rule', 'seen');
        next(request, sink);
      }, 5);
      sink.waiting({
        cancel: () => {
          clearTimeout(timer);
        },
      });
    };
  }
}

describe('example: a rule around exchanges', () => {
  async function start(metadata: Record<string, string>): Promise<{ url: string; seen: string[] } & AsyncDisposable> {
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
      providers: [Unhurried, ReadOnly],
    })
    class App {}
    const seen: string[] = [];
    const service = await localService((request, response) => {
      seen.push(`${request.method ?? ''} ${String(request.headers['x-rule'])}`);
      request.resume().once('end', () => response.end());
    });
    stack.adopt(service, (it) => it.close());
    const app = stack.adopt(await NestFactory.create(App, { logger: false }), (it) => it.close());
    await app.init();
    const { port: grpcPort } = app.get(TunnelGrpcServer);
    const agent = stack.use(await testAgent({ grpcPort }, service.port, { id: 'kiosk-7', metadata }));
    return owning({ url: agent.url, seen }, stack);
  }

  it('refuses what it must, before anything waits, and lets the rest through', async () => {
    await using setup = await start({ mode: 'read-only' });
    const { url, seen } = setup;
    const refused = await fetch(url, { method: 'POST', body: 'x' });
    expect([refused.status, await refused.json()]).toEqual([
      405,
      {
        error: {
          code: 'BERTH_METHOD_NOT_ALLOWED',
          message: 'agent kiosk-7 is read-only',
          request_id: expect.any(String),
        },
      },
    ]);
    expect((await fetch(url)).status).toBe(200);
    expect(seen).toEqual(['GET seen']);
  });

  it('is not there for agents that it does not concern', async () => {
    await using setup = await start({});
    const { url, seen } = setup;
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(200);
    expect(seen).toEqual(['POST seen']);
  });
});
