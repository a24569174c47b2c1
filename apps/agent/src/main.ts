#!/usr/bin/env node
import { prepareProcess, requireNode, useSmallYoungHeap } from '@berth/node-runtime';

requireNode();
useSmallYoungHeap();
prepareProcess();
const { runAgent } = await import('./cli/run-agent.js');
await runAgent();
