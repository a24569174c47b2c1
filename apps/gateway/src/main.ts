#!/usr/bin/env node
import { COLLECTOR_FLAG, prepareProcess, requireNode, useSmallYoungHeap } from '@berth/node-runtime';

requireNode();
useSmallYoungHeap([COLLECTOR_FLAG]);
prepareProcess();
const { gatewayCommand } = await import('./gateway-command.js');
const { code, madeToken } = await gatewayCommand(process.argv.slice(2));
if (code === undefined) {
  const { runGateway } = await import('./run-gateway.js');
  await runGateway(madeToken);
} else process.exitCode = code;
