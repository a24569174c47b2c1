#!/usr/bin/env node
/** `npm run policy-rules`: a policy agent that blocks by address and path. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { program } from 'commander';
import { startRulesAgent } from './agent.js';
import { Rules } from './rules.js';

const DEFAULT_RULES = { rules: [{ id: 'no-admin', action: 'block', paths: ['/admin', '/.git'] }] };

interface Flags {
  readonly listen: string;
  readonly connect?: string;
  readonly rules?: string;
}

const flags = program
  .name('policy-rules')
  .description('A policy agent that blocks requests by address and path. Its token for --connect: BERTH_POLICY_TOKEN.')
  .option('--listen <address>', 'where gateways find it: unix:/path or host:port', '127.0.0.1:50051')
  .option('--connect <address>', 'a gateway that it dials instead: tcp://host:port or unix:/path')
  .option('--rules <file>', 'JSON, { "rules": [ … ] }; without it /admin and /.git are blocked')
  .parse()
  .opts<Flags>();

try {
  const { BERTH_POLICY_TOKEN: token } = process.env;
  const config: unknown = flags.rules === undefined ? DEFAULT_RULES : JSON.parse(readFileSync(flags.rules, 'utf8'));
  const where =
    flags.connect === undefined
      ? { listen: flags.listen }
      : { connect: flags.connect, ...(token === undefined ? {} : { token }) };
  await using agent = await startRulesAgent(where, Rules.from(config));
  console.log(
    `Policy agent "rules" at ${agent.addresses.join(', ') || `no address of its own; it dials ${flags.connect ?? ''}`}. Ctrl-C ends it.`,
  );
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
