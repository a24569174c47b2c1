#!/usr/bin/env node
import { requireNode } from '#node-version';

requireNode();
const { runAgent } = await import('./cli/run-agent.js');
await runAgent();
