import { createServer } from 'node:http';
import { once } from 'node:events';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { disposable } from '@berth/testing';
import { HttpServerPool, HttpServerPoolModule, type HttpServerPoolOptions } from './index.js';
import { of, says, serverConfig } from '../testing/pool-lab.js';

@Controller('hello')
class HelloController {
  @Get()
  hello(): string {
    return 'of the application';
  }
}

async function application(options: HttpServerPoolOptions) {
  @Module({
    imports: [HttpServerPoolModule.forRootAsync({ useFactory: () => options })],
    controllers: [HelloController],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  return disposable(app, (it) => it.close());
}

describe('HttpServerPoolModule', () => {
  it('D5, D8: starts with the application, whose controllers answer where there is no handler, and stops with it', async () => {
    await using app = await application({
      servers: [serverConfig({ name: 'a' }), serverConfig({ name: 'b', handler: says('of b') })],
    });
    const pool = app.get(HttpServerPool);
    expect(pool.size).toBe(0);
    await app.init();
    const text = async (name: string): Promise<string> => (await fetch(`${of(pool, name).expose}/hello`)).text();
    expect([await text('a'), await text('b')]).toEqual(['of the application', 'of b']);
    await app.close();
    expect(pool.isRunning).toBe(false);
  });

  it('D8: another handler can be given for all', async () => {
    await using app = await application({ servers: [serverConfig({ name: 'a' })], handler: says('another') });
    await app.init();
    expect(await (await fetch(of(app.get(HttpServerPool), 'a').expose)).text()).toBe('another');
  });

  it('D5, D12: works in an application context, where nothing answers but handlers of servers', async () => {
    const servers = [serverConfig({ name: 'a' }), serverConfig({ name: 'b', handler: says('of b') })];
    await using app = disposable(
      await NestFactory.createApplicationContext(HttpServerPoolModule.forRoot({ servers }), { logger: false }),
      (it) => it.close(),
    );
    const pool = app.get(HttpServerPool);
    expect((await fetch(of(pool, 'a').expose)).status).toBe(500);
    expect(await (await fetch(of(pool, 'b').expose)).text()).toBe('of b');
  });

  it('D5: an address that cannot be had ends the start, and leaves nothing that listens', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = `127.0.0.1:${(other.address() as { port: number }).port}`;
    await using app = await application({
      servers: [serverConfig({ name: 'a' }), serverConfig({ name: 'b', listen: taken })],
    });
    await expect(app.init()).rejects.toMatchObject({ code: 'BERTH_SERVER_POOL_START_FAILED' });
    expect(app.get(HttpServerPool).isRunning).toBe(false);
    other.close();
  });
});
