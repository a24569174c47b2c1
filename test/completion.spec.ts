import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '@berth/testing';
import { Program } from '@berth/testing/system';

const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const itWith = (isThere: boolean) => (isThere ? it : it.skip);

const scripts = new Map<string, Promise<string>>();

function scriptOf(app: 'agent' | 'gateway', shell: string): Promise<string> {
  const key = `${app} ${shell}`;
  const script = scripts.get(key) ?? printScript(app, shell);
  scripts.set(key, script);
  return script;
}

async function printScript(app: 'agent' | 'gateway', shell: string): Promise<string> {
  await using program = new Program(app, ['completion', shell]);
  expect(await program.exit).toBe(0);
  expect(program.stderr).toBe('');
  return program.stdout;
}

/** What bash answers to a tab at the end of these words, the way it calls the function. */
function completed(script: string, app: 'agent' | 'gateway', words: string[]): string[] {
  const code = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _berth_${app}; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', code, 'bash', `berth-${app}`, ...words], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion', () => {
  it.each<[app: 'agent' | 'gateway', words: string[], answers: string[]]>([
    ['agent', [''], ['status', 'service', 'verify', 'completion']],
    ['agent', ['ver'], ['verify']],
    ['agent', ['completion', ''], ['bash', 'zsh', 'fish']],
    ['agent', ['status', '-'], ['--json', '-h', '--help']],
    ['agent', ['completion', 'bash', '-'], ['-h', '--help']],
    ['agent', ['3000', '--gatew'], ['--gateway']],
    ['agent', ['--log-level', 'de'], ['debug']],
    ['agent', ['--log-level', '='], ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']],
    ['agent', ['--protocol', '=', 's'], ['silo']],
    ['agent', ['--no-tl'], ['--no-tls', '--no-tls-enabled']],
    ['agent', ['--id', ''], []],
    ['agent', ['verify', '--tls-c'], ['--tls-ca', '--tls-ca-file', '--tls-cert', '--tls-cert-file']],
    ['gateway', ['--grpc-tls-client-cert', ''], ['none', 'request', 'require']],
    ['gateway', ['--help-'], ['--help-all']],
  ])('bash: berth-%s %j gives %j', async (app, words, answers) => {
    expect(completed(await scriptOf(app, 'bash'), app, words)).toEqual(answers);
  });

  itWith(has('script', '--version'))('bash completes at a terminal: flags, values, and files where meant', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-completion-'));
    try {
      writeFileSync(join(folder, 'my settings.yaml'), '');
      writeFileSync(
        join(folder, 'rc'),
        `${await scriptOf('agent', 'bash')}\nberth-agent() { printf '<%s>' "$@"; echo; }\n`,
      );
      await using shell = new Child('script', ['-qec', 'bash --noprofile --rcfile rc -i', '/dev/null'], {
        cwd: folder,
        env: { PATH: process.env['PATH'] ?? '', HOME: folder, TERM: 'dumb', INPUTRC: '/dev/null' },
      });
      shell.process.stdin?.write('berth-agent 3000 --log-lev\tde\t --config my\t --id my\t\n');
      await shell.printed(/<3000><--log-level><debug><--config><my settings.yaml><--id><my>/);
      shell.process.stdin?.write('berth-agent compl\tba\t\n');
      await shell.printed(/<completion><bash>/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  itWith(has('zsh', '--version')).each(['agent', 'gateway'] as const)('zsh reads that of the %s', async (app) => {
    const { status, stderr } = spawnSync('zsh', ['-fn'], { input: await scriptOf(app, 'zsh'), encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });

  itWith(has('fish', '--version')).each(['agent', 'gateway'] as const)('fish completes for the %s', async (app) => {
    const ask = `complete -C'berth-${app} --log-level de'; complete -C'berth-${app} completion '`;
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', `${await scriptOf(app, 'fish')}\n${ask}`], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(stdout.trim().split(/\s+/)).toEqual(['debug', 'bash', 'fish', 'zsh']);
  });

  it.each(['zsh', 'fish'])('%s is told of every command, flag and file', async (shell) => {
    const script = await scriptOf('agent', shell);
    for (const part of ['verify', 'completion', 'log-level', 'fatal error warn', 'tls-ca-file', 'no-tls']) {
      expect(script).toContain(part);
    }
    expect(script).toMatch(shell === 'zsh' ? /--config=\[.*\]:file:_files/ : /-l config -r -F/);
  });

  it.each([[[]], [['csh']], [['bash', 'hush']]])('refuses completion %j in one line', async (words) => {
    await using program = new Program('agent', ['completion', ...words]);
    expect(await program.exit).toBe(2);
    expect(program.stderr).toMatch(/^completion: .*bash, zsh, fish.*\n$/);
    expect(program.stderr).not.toContain('hush');
  });

  it('says how to use it', async () => {
    await using program = new Program('gateway', ['completion', '--help']);
    expect(await program.exit).toBe(0);
    expect(program.stdout).toContain('Usage: berth-gateway completion bash|zsh|fish');
  });
});
