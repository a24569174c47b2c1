import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { settingsOf, yaml } from '@berth/config';
import { AGENT, type AgentSettings } from '../agent-settings.js';
import { launchdPlist } from './launchd-plist.js';
import { systemdUnit } from './systemd-unit.js';

/** For whom and where a service is to be. */
export interface ServiceHost {
  readonly platform: NodeJS.Platform;
  /** of the one user, or of the machine */
  readonly forUser: boolean;
  readonly home: string;
  /** whom a service of the machine runs as; empty: root */
  readonly runAs: string;
  /** what starts the agent: program, and its first arguments */
  readonly command: readonly string[];
}

/** What makes an agent a service; nothing of it is written yet. */
export interface ServiceFiles {
  /** such as `berth-agent-kiosk-7` */
  readonly name: string;
  readonly unitFile: string;
  readonly unit: string;
  readonly settingsFile: string;
  /** what differs from the defaults, without the secret */
  readonly settings: string;
  readonly tokenFile: string;
  /** empty: there is none, or it has a file of its own already */
  readonly token: string;
}

/** Unit or plist that starts the agent with a settings file of its own, which names the file of its secret. */
export function serviceFiles(settings: AgentSettings, host: ServiceHost): ServiceFiles {
  const { forUser, home, platform } = host;
  const name = `berth-agent-${settings.id}`;
  const folder = forUser ? join(home, '.config/berth-agent') : '/etc/berth-agent';
  const settingsFile = join(folder, `${settings.id}.yaml`);
  const tokenFile = join(folder, `${settings.id}.token`);
  const token = settings.tokenFile === '' ? settings.token : '';
  const parts = { ...host, id: settings.id, name, command: [...host.command, '--config', settingsFile] };
  const isMac = platform === 'darwin';
  const units = forUser ? join(home, '.config/systemd/user') : '/etc/systemd/system';
  const plists = forUser ? join(home, 'Library/LaunchAgents') : '/Library/LaunchDaemons';
  return {
    name,
    unitFile: isMac ? join(plists, `${name}.plist`) : join(units, `${name}.service`),
    unit: isMac ? launchdPlist(parts) : systemdUnit(parts),
    settingsFile,
    settings: settingsYaml(settings, token === '' ? settings.tokenFile : tokenFile),
    tokenFile,
    token,
  };
}

function settingsYaml(settings: AgentSettings, tokenFile: string): string {
  const root: Record<string, unknown> = {};
  for (const { path, defaultValue } of settingsOf(AGENT)) {
    const keys = path.split('.');
    const value = path === 'tokenFile' ? tokenFile : keys.reduce<unknown>(inside, settings);
    if (path === 'token' || isDeepStrictEqual(value, defaultValue)) continue;
    const last = keys.pop() ?? '';
    let group = root;
    for (const key of keys) group = (group[key] ??= {}) as Record<string, unknown>;
    group[last] = value;
  }
  return yaml().stringify(root);
}

const inside = (node: unknown, key: string): unknown => (node as Record<string, unknown>)[key];
