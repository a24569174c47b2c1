import type { Command, Option } from 'commander';
import { describeDefault } from './describe.js';
import type { Schema, SettingInfo } from './setting-list.js';

const WIDTH = 120;

const GROUPS: Readonly<Record<string, string>> = {
  http: 'Admin port and port range',
  admin: 'Who may use the admin port',
  grpc: 'Port that agents dial',
  auth: 'Authentication',
  agentPorts: 'Ports of agents',
  ingress: 'Relaying of requests',
  tunnel: 'Tunnel connections',
  shutdown: 'Shutdown',
  log: 'Log',
  tls: 'TLS towards the gateway',
  reconnect: 'Reconnecting',
  local: 'Local service',
};

/** Heading of a section of settings; the agent's plain ones stand under one. */
export function sectionTitle(path: string): string {
  return path.includes('.') ? (GROUPS[path.split('.')[0] ?? ''] ?? '') : 'Agent';
}

/** Heading in `--help`. */
export const helpGroup = (setting: SettingInfo): string => `${sectionTitle(setting.path)}:`;

/** What stands for the value in `--help`. */
export function valueName({ kind, choices }: SettingInfo): string {
  const names = { integer: 'number', file: 'file', list: 'a,b', ports: 'id=port,…', texts: 'name=text,…' };
  if (kind === 'choice') return (choices ?? []).join('|');
  return kind === 'text' || kind === 'boolean' ? 'text' : names[kind];
}

/** Gives the command its description, examples and readable options. */
export function addHelp(command: Command, schema: Schema): void {
  const isAgent = schema.positional !== undefined;
  const example = schema.settings.find(({ path }) => path.endsWith('onnections') || path === 'http.port');
  command
    .description(
      isAgent
        ? 'Makes a local service reachable at a port of the gateway.'
        : 'Gives every agent that dials in an HTTP port of its own.',
    )
    .configureOutput({ getOutHelpWidth: () => WIDTH, getErrHelpWidth: () => WIDTH })
    .configureHelp({
      optionTerm: (option: Option) => optionTerm(option),
      optionDescription: (option: Option) => {
        const setting = schema.settings.find(({ flag }) => flag === option.long);
        const standard = setting ? describeDefault(setting) : '';
        return standard === '' ? option.description : `${option.description} (${standard})`;
      },
    })
    .addHelpText(
      'after',
      [
        '',
        `Settings come from ${schema.fileName}, the environment over it, flags over both.`,
        `Every flag has its variable: ${example?.flag ?? ''} is ${example?.env ?? ''}.`,
        `${schema.fileEnv} names another file, as --config does.`,
        '',
        'A token on the command line can be seen by every user of the machine in the list of processes.',
        `Better: --token-file, or ${schema.settings.find(({ secret }) => secret)?.env ?? ''} in the environment.`,
        ...(isAgent ? ['', 'Example:', '  berth-agent 3000 --id kiosk-7 --gateway gateway.example.org:9090'] : []),
        '',
      ].join('\n'),
    );
}

/** Switches are shown together with their opposite. */
function optionTerm({ flags, long }: Option): string {
  const isSetting = long !== '--print-config' && long !== '--help' && long !== '--version';
  return isSetting && !flags.includes('<') ? flags.replaceAll('--', '--[no-]') : flags;
}
