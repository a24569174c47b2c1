#!/usr/bin/env node
import { requireNode, useSmallYoungHeap } from '#node-runtime';

requireNode();
useSmallYoungHeap();
const { runAgent } = await import('./cli/run-agent.js');
await runAgent();
