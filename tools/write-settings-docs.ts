// Brings the tables of docs/configuration.md, docs/policies.md, docs/policy-agents.md and the example files up to date, from what is built:
// npm run build && node tools/write-settings-docs.ts
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { AGENT } from 'berth-agent';
import { GATEWAY } from 'berth-gateway';
import { exampleFile } from './example-file.ts';
import { withPolicyAgents, withReference, withRules } from './settings-reference.ts';

const PAGE = 'docs/configuration.md';
const RULES = 'docs/policies.md';
const POLICY_AGENTS = 'docs/policy-agents.md';
const EXAMPLES = 'examples/config';

writeFileSync(PAGE, withReference(readFileSync(PAGE, 'utf8')));
writeFileSync(RULES, withRules(readFileSync(RULES, 'utf8')));
writeFileSync(POLICY_AGENTS, withPolicyAgents(readFileSync(POLICY_AGENTS, 'utf8')));
mkdirSync(EXAMPLES, { recursive: true });
for (const program of [GATEWAY, AGENT]) writeFileSync(`${EXAMPLES}/${program.fileName}`, exampleFile(program));
