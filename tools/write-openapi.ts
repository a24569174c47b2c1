/** Brings docs/openapi.json up to date with the admin API: npm run build && node tools/write-openapi.ts */
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { silentLog } from '@berth/observability';
import { NestFactory } from '@nestjs/core';
import { GatewayModule, openApiDocument } from 'berth-gateway';

const app = await NestFactory.create(GatewayModule.forRoot({ log: silentLog }), { logger: false, abortOnError: false });
const document = JSON.stringify(openApiDocument(app), null, 2);
writeFileSync(new URL('../docs/openapi.json', import.meta.url), `${document}\n`);
process.exit(0);
