// Brings docs/openapi.json up to date with the admin API:
// node apps/gateway/dist/write-openapi.js
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { silentLog } from '@berth/observability';
import { openApiDocument } from './admin/index.js';
import { GatewayModule } from './gateway.module.js';

const app = await NestFactory.create(GatewayModule.forRoot({ log: silentLog }), { logger: false, abortOnError: false });
writeFileSync('docs/openapi.json', `${JSON.stringify(openApiDocument(app), null, 2)}\n`);
process.exit(0);
