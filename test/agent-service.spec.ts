import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '@berth/testing/system';
import { defaultAgentSettings, loadAgentSettings } from 'berth-agent';
import { serviceFiles, type ServiceHost } from '../apps/agent/src/service/service-files.js';

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
const HOST: ServiceHost = {
  platform: 'linux',
  forUser: false,
  home: '/home/anna',
  runAs: 'anna',
  command: ['/usr/bin/node', '/opt/my $HOME/100%/main.js'],
};

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'berth-service-'));
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});

interface Said {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

const service = (...args: string[]): Promise<Said> => serviceWith({ BERTH_TOKEN: 'hush' }, ...args);

async function serviceWith(env: Record<string, string>, ...args: string[]): Promise<Said> {
  await using program = new Program('agent', ['service', ...args], { ...env, HOME: cwd });
  return { code: await program.exit, stdout: program.stdout, stderr: program.stderr };
}

describe('berth-agent service', () => {
  it.each([[[]], [['--user']]])('prints a unit without the secret, and writes nothing: %j', async (more) => {
    const { code, stdout, stderr } = await service('install', '3000', '--id', 'kiosk-7', '--print', ...more);
    expect(code).toBe(0);
    expect(stdout).toContain('Description=Berth agent kiosk-7');
    expect(stderr).toMatch(/the token would be in .*kiosk-7\.token\n$/);
    expect(stdout + stderr).not.toContain('hush');
    expect(readdirSync(cwd)).toEqual([]);
    if (!hasAnalyze) return;
    const file = join(cwd, 'berth-agent-kiosk-7.service');
    writeFileSync(file, stdout);
    const verified = spawnSync('systemd-analyze', ['verify', ...more, file], { encoding: 'utf8' });
    expect(verified.stderr.split('\n').filter((line) => line.includes('kiosk-7'))).toEqual([]);
  });

  it.each<[what: string, args: string[], isSaid: boolean]>([
    ['nothing', ['install', '3000'], true],
    ['a certificate', ['install', '3000', '--tls-cert', '/c', '--tls-key', '/k'], false],
    ['the wire of silo-proxy', ['install', '3000', '--protocol', 'silo'], false],
    ['what is to go', ['uninstall'], false],
  ])('with %s for the gateway and without a token, that it has none is said once: %j %j', async (_, args, isSaid) => {
    const { code, stdout, stderr } = await serviceWith({}, ...args, '--id', 'kiosk-7', '--print');
    expect([code, stdout]).toEqual([0, expect.stringContaining('Description=Berth agent kiosk-7')]);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('there is no token: '))).toHaveLength(isSaid ? 1 : 0);
    expect(lines.at(-1)).toMatch(/kiosk-7\.yaml$/);
  });

  it('keeps what differs from the defaults in a file of its own, which names the file of the secret', () => {
    const given = {
      target: '3000',
      id: 'kiosk-7',
      token: 'hush',
      connections: 2,
      tls: { enabled: true, caFile: '/ca' },
    };
    const files = serviceFiles(defaultAgentSettings(given), HOST);
    expect(files).toMatchObject({
      unitFile: '/etc/systemd/system/berth-agent-kiosk-7.service',
      settingsFile: '/etc/berth-agent/kiosk-7.yaml',
      token: 'hush',
    });
    expect(files.unit + files.settings).not.toContain('hush');
    expect(files.unit).toContain('ExecStart=/usr/bin/node "/opt/my $$HOME/100%%/main.js" --config /etc/berth-agent/');
    expect(files.unit).toContain('\nUser=anna\n');
    writeFileSync(join(cwd, 'agent.yaml'), files.settings.replace(files.tokenFile, join(cwd, 'token')));
    writeFileSync(join(cwd, 'token'), 'hush');
    const again = loadAgentSettings({ argv: [], env: {}, cwd });
    expect(again).toMatchObject({ kind: 'settings', settings: { ...given, target: 'http://localhost:3000' } });
  });

  it('leaves a token file where it is, and is of one user or of launchd where that is asked', () => {
    writeFileSync(join(cwd, 'token'), 'hush');
    const settings = defaultAgentSettings({ target: '3000', id: 'a', tokenFile: join(cwd, 'token') });
    const user = serviceFiles(settings, { ...HOST, forUser: true });
    expect(user.token).toBe('');
    expect(user.settings).toContain(`tokenFile: ${join(cwd, 'token')}`);
    expect(user.unitFile).toBe('/home/anna/.config/systemd/user/berth-agent-a.service');
    expect(user.unit).not.toMatch(/User=|RuntimeDirectory/);
    const mac = serviceFiles(settings, { ...HOST, platform: 'darwin', command: ['/a&b'] });
    expect(mac.unitFile).toBe('/Library/LaunchDaemons/berth-agent-a.plist');
    expect(mac.unit).toContain('<string>/a&amp;b</string>');
    expect(mac.unit).toContain('<key>UserName</key>\n  <string>anna</string>');
  });

  it.each([[[]], [['3000']], [['--target', '3000']]])(
    'finds what goes by the id, whatever the target: %j',
    async (target) => {
      const { code, stderr } = await service('uninstall', ...target, '--id', 'kiosk-7', '--print');
      expect([code, stderr]).toEqual([0, expect.stringContaining('berth-agent-kiosk-7.service')]);
    },
  );

  it.each<[args: string[], what: RegExp]>([
    [[], /^service: give one of install, uninstall after it\n$/],
    [['install', '--print', 'ftp://x'], /^service: target: is no usable target/],
    [['install', '--print', '3000', '--bogus'], /^service: command line: --bogus is no flag/],
  ])('refuses %j in one line', async (args, what) => {
    const { code, stderr } = await service(...args);
    expect([code, stderr.trimEnd().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toMatch(what);
  });
});
