import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { silentLog } from '@berth/observability';
import { disposable, eventually, freePortRange, localService } from '@berth/testing';
import { testAgent } from '@berth/testing/system';
import { GatewayModule, TunnelGrpcServer } from 'berth-gateway';
import { POST_EVENT, type Recent, RecentEvents } from './recent-events.js';

describe('example: a listener of lifecycle events', () => {
  it('hears of agents that come, go and are refused, though its webhook fails', async () => {
    const posted: Recent[] = [];
    const post = (event: Recent): Promise<void> => {
      posted.push(event);
      return Promise.reject(new Error('the webhook is down'));
    };
    @Module({
      imports: [
        GatewayModule.forRoot({
          settings: {
            http: { agentPortRange: await freePortRange(1) },
            grpc: { host: '127.0.0.1', port: 0 },
            agentPorts: { host: '127.0.0.1' },
            auth: { token: 'right' },
          },
          log: silentLog,
        }),
      ],
      providers: [RecentEvents, { provide: POST_EVENT, useValue: post }],
    })
    class App {}
    await using app = disposable(await NestFactory.create(App, { logger: false }), (it) => it.close());
    await app.init();
    const { port: grpcPort } = app.get(TunnelGrpcServer);
    await using service = await localService((_, response) => response.end('ok'));
    await using agent = await testAgent({ grpcPort }, service.port, { id: 'kiosk-7', token: 'right' });
    await expect(testAgent({ grpcPort }, service.port, { id: 'stranger', token: 'wrong' })).rejects.toThrow();
    expect(await (await fetch(agent.url)).text()).toBe('ok');
    await agent.stop();
    const { list } = app.get(RecentEvents);
    await eventually(() => list.length === 3);
    expect(list).toMatchObject([
      { event: 'agent.connected', data: { agentId: 'kiosk-7', port: agent.port } },
      { event: 'registration.refused', data: { agentId: 'stranger', code: 'BERTH_UNAUTHENTICATED' } },
      { event: 'agent.disconnected', data: { agentId: 'kiosk-7', port: agent.port } },
    ]);
    expect(posted).toEqual(list);
  });
});
