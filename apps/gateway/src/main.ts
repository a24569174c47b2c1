#!/usr/bin/env node
import { requireNode, useSmallYoungHeap } from '#node-runtime';

requireNode();
useSmallYoungHeap();
const { runGateway } = await import('./run-gateway.js');
await runGateway();
