/**
 * Brings docs/openapi.json, and the types of examples/admin-client that are made of it, up to date with the admin API:
 * npm run build && node tools/write-openapi.ts
 */
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { silentLog } from '@berth/observability';
import { NestFactory } from '@nestjs/core';
import { GatewayModule, openApiDocument } from 'berth-gateway';
import { adminClientTypes } from './admin-client.ts';

const file = new URL('../docs/openapi.json', import.meta.url);
const app = await NestFactory.create(GatewayModule.forRoot({ log: silentLog }), { logger: false, abortOnError: false });
const document = JSON.stringify(openApiDocument(app), null, 2);
writeFileSync(file, `${document}\n`);
writeFileSync(new URL('../examples/admin-client/admin-api.ts', import.meta.url), await adminClientTypes(file));
process.exit(0);
