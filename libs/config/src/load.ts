import { type Environment, readEnvLayer } from './env-layer.js';
import { readFlags } from './flag-layer.js';
import type { AgentSettings, GatewaySettings } from './gateway-settings.js';
import { ownVersion } from './own-version.js';
import { Problems } from './problems.js';
import { AGENT, GATEWAY, type Program } from './programs.js';
import { redactedYaml } from './redacted-yaml.js';
import { type FileChoice, readYamlLayer } from './yaml-layer.js';

/** Where settings are looked for. */
export interface LoadInput {
  /** arguments after the program's name; default: those of this process */
  readonly argv?: readonly string[];
  /** environment; default: that of this process */
  readonly env?: Environment;
  /** folder of the YAML file and base of relative paths; default: that of this process */
  readonly cwd?: string;
}

/** Settings to start with; or, after `--help`, `--version` and `--print-config`, a text to print and the exit code. */
export type LoadResult<T> =
  | { readonly kind: 'settings'; readonly settings: T }
  | { readonly kind: 'exit'; readonly code: number; readonly output: string };

/**
 * The gateway's settings: `application.yaml`, the environment over it, flags over both.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID`, a line per problem, secrets left out
 */
export function loadGatewaySettings(input: LoadInput = {}): LoadResult<GatewaySettings> {
  return load(GATEWAY, input);
}

/**
 * The agent's settings: `agent.yaml`, the environment (`AGENT_…`) over it, flags over both.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID`, a line per problem, secrets left out
 */
export function loadAgentSettings(input: LoadInput = {}): LoadResult<AgentSettings> {
  return load(AGENT, input);
}

function load<T extends GatewaySettings | AgentSettings>(program: Program<T>, input: LoadInput): LoadResult<T> {
  const { argv = process.argv.slice(2), env = process.env, cwd = process.cwd() } = input;
  const { schema, ambient, finish } = program;
  const problems = new Problems();
  const flags = readFlags(schema, argv, ownVersion(), problems);
  if (flags.output !== undefined) return { kind: 'exit', code: 0, output: flags.output };
  const own = [
    ...readYamlLayer(chooseFile(schema.fileName, schema.fileEnv, flags.file, env), cwd, schema.settings, problems),
    ...readEnvLayer(env, schema.settings),
    ...flags.values,
  ];
  const values = [...(ambient?.(env, own) ?? []), ...own];
  const settings = finish({ values, cwd, problems });
  return flags.printConfig ? { kind: 'exit', code: 0, output: redactedYaml(settings) } : { kind: 'settings', settings };
}

function chooseFile(usual: string, fileEnv: string, flag: string | undefined, env: Environment): FileChoice {
  if (flag !== undefined) return { name: flag, namedBy: 'flag --config' };
  const named = env[fileEnv];
  return named === undefined || named === '' ? { name: usual } : { name: named, namedBy: `env ${fileEnv}` };
}
