/** What becomes an executable, and which files travel in it; `bundledFile` finds them there by these names. */
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface ProgramToBundle {
  name: 'berth-agent' | 'berth-gateway';
  /** folder of its package */
  folder: string;
  /** name in the executable -> file */
  assets: Record<string, string>;
}

const SCHEMA = 'berth/tunnel/v1/tunnel.proto';
const POLICY_SCHEMA = 'policy/agent_v2.proto';
const SWAGGER = [
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'swagger-ui-standalone-preset.js',
  'favicon-16x16.png',
  'favicon-32x32.png',
];

const schema = { [SCHEMA]: join(ROOT, 'proto', SCHEMA) };

export const PROGRAMS: readonly ProgramToBundle[] = [
  {
    name: 'berth-gateway',
    folder: join(ROOT, 'apps/gateway'),
    assets: {
      ...schema,
      [POLICY_SCHEMA]: join(ROOT, 'proto', POLICY_SCHEMA),
      ...Object.fromEntries(
        SWAGGER.map((file) => [`swagger-ui/${file}`, join(ROOT, 'node_modules/swagger-ui-dist', file)]),
      ),
    },
  },
  {
    name: 'berth-agent',
    folder: join(ROOT, 'apps/agent'),
    assets: schema,
  },
];
