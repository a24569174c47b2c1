// Brings the column "shown by" of docs/requirements.md up to date: node tools/write-requirements.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { requirementsPage } from './requirements.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
writeFileSync(`${root}docs/requirements.md`, requirementsPage(root).should);
