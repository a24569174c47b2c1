#!/usr/bin/env node
import { prepareProcess, requireNode, useSmallYoungHeap } from '@berth/node-runtime';

requireNode();
useSmallYoungHeap();
prepareProcess();
const { agentCommand } = await import('./cli/agent-command.js');
const code = await agentCommand(process.argv.slice(2));
if (code === undefined) {
  const { runAgent } = await import('./cli/run-agent.js');
  await runAgent();
} else process.exitCode = code;
