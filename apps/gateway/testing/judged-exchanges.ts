import { mkdtempDisposable } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LimitedLog, silentLog } from '@berth/observability';
import { dialGrpc, dialUnix, PolicyAgent, type PolicyAgentOptions } from '@berth/policy-agents';
import { freePortRange, listening, owning } from '@berth/testing';
import { testAgent } from '@berth/testing/system';
import {
  type ExchangeHandler,
  type ExchangeRule,
  GatewayModule,
  TunnelGrpcServer,
  UseOnExchanges,
} from 'berth-gateway';
import { type PolicyHandlers, startPolicyAgent } from 'berth-policy';
import { HeldBytes, inspection, type InspectionOptions } from '../src/policy-agents/exchange/index.js';

export type Transport = 'grpc' | 'unix';
const PROXY = { proxyId: 'p', proxyVersion: '1' };

export const echo: RequestListener = (request, response) => {
  response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'text/plain' });
  request.pipe(response);
};

/** A policy agent of the SDK, and the gateway's end of it. */
export async function policyAgent(
  handlers: PolicyHandlers<Record<string, unknown>>,
  transport: Transport,
  options: Partial<PolicyAgentOptions> = {},
) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-policy-')));
  const listen = transport === 'grpc' ? '127.0.0.1:0' : `unix:${join(folder.path, 'a.sock')}`;
  const program = stack.use(await startPolicyAgent({ name: 'test', listen, log: () => undefined, ...handlers }));
  const [address = ''] = program.addresses;
  const dial = (signal: AbortSignal) =>
    transport === 'grpc'
      ? dialGrpc({ target: address, hello: PROXY, timeoutMs: 5000, signal })
      : dialUnix({ path: address.slice('unix:'.length), hello: PROXY, timeoutMs: 5000, signal });
  const agent = stack.adopt(new PolicyAgent('test', { connections: 2, ...options }, { dial }), (it) => it.close());
  await agent.start();
  return owning({ agent, program }, stack);
}

/** A gateway whose ports are under the eyes of the agent, and a local service behind it. */
export async function behind(agent: PolicyAgent, listener: RequestListener, over: Partial<InspectionOptions> = {}) {
  await using stack = new AsyncDisposableStack();
  const held = new HeldBytes(64 * 1024 * 1024);
  const inspector = { judge: agent, concerns: () => true, concernsBody: () => true };
  const inspected = inspection(
    {
      inspectors: [inspector],
      mode: 'sequence',
      mutableBodies: false,
      guardrails: false,
      maxHeldBytes: 1024 * 1024,
      held,
      ...over,
    },
    { key: 'a', limitedLog: new LimitedLog(silentLog), judged: () => undefined },
  );

  @Injectable()
  @UseOnExchanges({ order: 250 })
  class Rule implements ExchangeRule {
    handlerFor(): ExchangeHandler | undefined {
      return inspected;
    }
  }

  @Module({
    imports: [
      GatewayModule.forRoot({
        settings: {
          http: { agentPortRange: await freePortRange(2) },
          grpc: { host: '127.0.0.1', port: 0 },
          agentPorts: { host: '127.0.0.1' },
          ingress: { http2: { clear: true } },
        },
        log: silentLog,
      }),
    ],
    providers: [Rule],
  })
  class App {}
  const service = stack.adopt(await listening(createServer(listener)), (it) => it.close());
  const app = stack.adopt(await NestFactory.create(App, { logger: false }), (it) => it.close());
  await app.init();
  const tunnel = stack.use(await testAgent({ grpcPort: app.get(TunnelGrpcServer).port }, service.port));
  return owning({ held, port: tunnel.port, service, url: tunnel.url }, stack);
}
