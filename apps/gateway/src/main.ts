#!/usr/bin/env node
import { prepareProcess, requireNode, useSmallYoungHeap } from '@berth/node-runtime';

requireNode();
useSmallYoungHeap();
prepareProcess();
const { runGateway } = await import('./run-gateway.js');
await runGateway();
