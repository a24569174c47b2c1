#!/usr/bin/env node
import type { AddressInfo } from 'node:net';
import { createSampleService } from './sample-service.js';

const [given = process.env['PORT'] ?? '3000', host = '127.0.0.1'] = process.argv.slice(2);
const port = Number(given);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`"${given}" is no port. Usage: main.js [port, 0 takes any free one] [host]`);
  process.exit(2);
}

const server = createSampleService();
server.once('error', (error) => {
  console.error(`Cannot listen on ${host}:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, host, () => {
  // The quick start reads the address from this line.
  console.log(`Sample service at http://${host}:${(server.address() as AddressInfo).port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The clock never ends by itself, so there is nothing to wait for.
  process.once(signal, () => process.exit(0));
}
