import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';
import type { Asked } from '@berth/config';
import { standardOutput } from '@berth/node-runtime';
import { type AgentSettings, loadAgentSettings } from '../agent-settings.js';
import { type ServiceFiles, serviceFiles, type ServiceHost } from '../service/service-files.js';

const say = (line: string): void => {
  standardOutput(1).write(`${line}\n`);
};

/**
 * `berth-agent service install|uninstall [--user] [--print] [flags of a start]`.
 *
 * @returns exit code
 * @throws Error that says what is in the way
 */
export function serviceCommand({ word, switches, rest }: Asked): number {
  // Only the id counts for what goes; a target need not be given for it, but may.
  const env = word === 'uninstall' ? { AGENT_TARGET: '1', ...process.env } : process.env;
  const loaded = loadAgentSettings({ argv: rest, env });
  if (loaded.kind === 'exit') {
    standardOutput(loaded.code === 0 ? 1 : 2).write(loaded.output);
    return loaded.code;
  }
  const host = thisHost(switches.has('--user'));
  const files = serviceFiles(loaded.settings, host);
  if (word === 'install' && showsNothing(loaded.settings))
    standardOutput(2).write(
      'there is no token: a gateway that asks for one will refuse this agent (--token-file, or BERTH_TOKEN, which sudo passes on with -E)\n',
    );
  if (switches.has('--print')) {
    standardOutput(1).write(files.unit);
    const token = files.token === '' ? '' : `; the token would be in ${files.tokenFile}`;
    standardOutput(2).write(`would be ${files.unitFile}, with settings in ${files.settingsFile}${token}\n`);
    return 0;
  }
  checkHost(host);
  if (word === 'install') install(files, host);
  else uninstall(files, host);
  return 0;
}

function thisHost(forUser: boolean): ServiceHost {
  const sudo = process.env['SUDO_USER'] ?? '';
  // main.js stands one folder above, in `dist` as in `src`.
  const main = isSea() ? [] : [fileURLToPath(new URL('../main.js', import.meta.url))];
  return {
    platform: process.platform,
    forUser,
    home: homedir(),
    runAs: sudo === 'root' ? '' : sudo,
    command: [process.execPath, ...main],
  };
}

/** @throws Error that says what is missing here */
function checkHost({ platform, forUser }: ServiceHost): void {
  if (platform !== 'linux' && platform !== 'darwin')
    throw new Error(`not on ${platform}: there are units for systemd (Linux) and launchd (macOS)`);
  if (platform === 'linux' && !existsSync('/run/systemd/system'))
    throw new Error('systemd does not run here; --print shows the unit, for a machine where it does');
  if (!forUser && process.getuid?.() !== 0)
    throw new Error('a service of the machine needs root: use sudo, or --user for one of yours alone');
  if (forUser && process.env['SUDO_USER'] !== undefined)
    throw new Error('--user is for the user who runs it: leave sudo out');
}

/** Whether it shows its gateway neither a token nor a certificate; the wire of silo-proxy has no token. */
function showsNothing({ token, tls, protocol }: AgentSettings): boolean {
  return token === '' && tls.certFile === '' && protocol === 'berth';
}

/** @throws Error when the service is there already, or a file cannot be written */
function install(files: ServiceFiles, host: ServiceHost): void {
  const { unitFile, settingsFile, tokenFile, token, name } = files;
  const there = [unitFile, settingsFile, tokenFile].find((file) => existsSync(file));
  if (there !== undefined)
    throw new Error(`${there} is there already: change ${settingsFile}, or uninstall the service before`);
  if (token !== '') writeSecret(tokenFile, `${token}\n`, host);
  writeSecret(settingsFile, files.settings, host);
  mkdirSync(dirname(unitFile), { recursive: true });
  writeFileSync(unitFile, files.unit, { flag: 'wx', mode: 0o644 });
  if (host.platform === 'darwin') run('launchctl', 'bootstrap', domain(host), unitFile);
  else {
    run('systemctl', ...scope(host), 'daemon-reload');
    run('systemctl', ...scope(host), 'enable', '--now', `${name}.service`);
  }
  say(`${name} is installed and started: ${unitFile}`);
  say(
    `its settings are in ${settingsFile}${token === '' ? '' : `, its token in ${tokenFile}`}; both are for its user alone`,
  );
  if (host.forUser && host.platform === 'linux') say('to run it while you are not logged in: loginctl enable-linger');
}

/** @throws Error when there is no such service */
function uninstall({ name, unitFile, settingsFile, tokenFile }: ServiceFiles, host: ServiceHost): void {
  if (!existsSync(unitFile)) throw new Error(`there is no ${unitFile}; name the agent with --id`);
  if (host.platform === 'darwin') run('launchctl', 'bootout', `${domain(host)}/${name}`);
  else run('systemctl', ...scope(host), 'disable', '--now', `${name}.service`);
  for (const file of [unitFile, settingsFile, tokenFile]) rmSync(file, { force: true });
  if (host.platform === 'linux') run('systemctl', ...scope(host), 'daemon-reload');
  say(`${name} is stopped and gone, with its settings and its token`);
}

/** For the service's user alone; never through a link that stands there already. */
function writeSecret(file: string, text: string, { forUser, runAs }: ServiceHost): void {
  mkdirSync(dirname(file), { recursive: true, mode: forUser ? 0o700 : 0o755 });
  writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  if (!forUser && runAs !== '') chownSync(file, Number(process.env['SUDO_UID']), Number(process.env['SUDO_GID']));
}

const scope = ({ forUser }: ServiceHost): string[] => (forUser ? ['--user'] : []);
const domain = ({ forUser }: ServiceHost): string => (forUser ? `gui/${process.getuid?.() ?? ''}` : 'system');

/** @throws Error with what the command says */
function run(command: string, ...args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error === undefined && status === 0) return;
  const said = error?.message ?? stderr.trim().split('\n')[0] ?? '';
  throw new Error(`${command} ${args.join(' ')} failed: ${said}`);
}
