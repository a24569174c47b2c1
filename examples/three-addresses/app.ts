import { Controller, Get, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  HttpServerPool,
  HttpServerPoolModule,
  type HttpServerConfig,
  type ServerReport,
} from '@berth/http-server-pool';

/** Answers at every address that has no handler of its own. */
@Controller()
export class BookshopController {
  constructor(private readonly servers: HttpServerPool) {}

  @Get('books')
  books(): string[] {
    return ['Middlemarch', 'Bleak House'];
  }

  /** How each address is, asked now. */
  @Get('servers')
  reports(): Promise<ServerReport[]> {
    return this.servers.monitor();
  }
}

/** Where the shop can be reached: by everybody, by what runs on this machine, and by the proxy in front of it. */
export interface Places {
  everybody: string;
  machine: string;
  socket: string;
}

/** Starts one application at three addresses. They stop with it; one that fails is brought back. */
export async function openBookshop(places: Places): Promise<INestApplicationContext> {
  const servers: HttpServerConfig[] = [
    { name: 'everybody', listen: places.everybody, healthPath: '/books' },
    { name: 'machine', listen: places.machine },
    { name: 'proxy', listen: `unix:${places.socket}` },
    { name: 'old', listen: ':8888', disabled: true },
  ];

  @Module({
    imports: [HttpServerPoolModule.forRoot({ servers, watch: { everyMs: 5000 } })],
    controllers: [BookshopController],
  })
  class Bookshop {}

  // init, not listen: the pool listens.
  return (await NestFactory.create(Bookshop, { logger: false, abortOnError: false })).init();
}
