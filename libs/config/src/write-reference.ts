// Brings the tables of docs/configuration.md and the example files up to date:
// node dist/libs/config/src/write-reference.js
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { exampleFile } from './example-file.js';
import { withReference } from './reference.js';
import { AGENT_SCHEMA, GATEWAY_SCHEMA } from './setting-list.js';

const PAGE = 'docs/configuration.md';
const EXAMPLES = 'examples/config';

writeFileSync(PAGE, withReference(readFileSync(PAGE, 'utf8')));
mkdirSync(EXAMPLES, { recursive: true });
for (const schema of [GATEWAY_SCHEMA, AGENT_SCHEMA])
  writeFileSync(`${EXAMPLES}/${schema.fileName}`, exampleFile(schema));
