#!/usr/bin/env node
import { requireNode } from '#node-version';

requireNode();
const { runGateway } = await import('./run-gateway.js');
await runGateway();
