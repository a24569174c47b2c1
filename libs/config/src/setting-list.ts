import { AgentConfig } from './agent-config.js';
import { GatewayConfig } from './gateway-config.js';
import { type SettingSpec, specsOf } from './setting.js';

/** One setting with all its names. */
export interface SettingInfo extends SettingSpec {
  /** as in the YAML file: `http.agentPortRange.start` */
  readonly path: string;
  /** environment variable: `HTTP_AGENT_PORT_RANGE_START` */
  readonly env: string;
  /** long flag: `--http-agent-port-range-start` */
  readonly flag: string;
  readonly defaultValue: unknown;
}

/** A program's settings one by one, and where they are looked for. */
export interface Schema {
  readonly program: 'berth-gateway' | 'berth-agent';
  readonly settings: readonly SettingInfo[];
  /** the setting that takes the argument without a flag */
  readonly positional?: string;
  /** name of the YAML file in the working directory */
  readonly fileName: string;
  /** variable that names another one */
  readonly fileEnv: string;
}

const words = (path: string): string => path.replaceAll('.', '_').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');

function listSettings(node: object, envPrefix: string, parent = ''): SettingInfo[] {
  const specs = specsOf(node);
  return Object.entries(node).flatMap(([property, value]: [string, unknown]) => {
    const path = parent + property;
    const spec = specs.get(property);
    if (!spec) return listSettings(value as object, envPrefix, `${path}.`);
    const name = words(path);
    const flag = `--${name.replaceAll('_', '-').toLowerCase()}`;
    return [{ ...spec, path, env: envPrefix + name.toUpperCase(), flag, defaultValue: value }];
  });
}

export const GATEWAY_SCHEMA: Schema = {
  program: 'berth-gateway',
  settings: listSettings(new GatewayConfig(), ''),
  fileName: 'application.yaml',
  fileEnv: 'CONFIG_FILE',
};

export const AGENT_SCHEMA: Schema = {
  program: 'berth-agent',
  settings: listSettings(new AgentConfig(), 'AGENT_'),
  positional: 'target',
  fileName: 'agent.yaml',
  fileEnv: 'AGENT_CONFIG_FILE',
};
