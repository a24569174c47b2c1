#!/usr/bin/env node
/** `npm run policy-redactor`: a policy agent that masks card numbers and e-mail addresses in JSON answers. */
import { once } from 'node:events';
import { program } from 'commander';
import { startRedactor } from './agent.js';

const { listen } = program
  .name('policy-redactor')
  .description('A policy agent that masks card numbers and e-mail addresses in JSON answers.')
  .option('--listen <address>', 'where gateways find it: unix:/path or host:port', '127.0.0.1:50052')
  .parse()
  .opts<{ listen: string }>();

try {
  await using agent = await startRedactor({ listen });
  console.log(`Policy agent "redactor" at ${agent.addresses.join(', ')}. Ctrl-C ends it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
