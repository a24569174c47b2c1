import { hostname } from 'node:os';
import { join } from 'node:path';
import { problemsOf, SettingsFolder, settingsOf } from '@berth/testing/system';
import { idFromHostName } from '../apps/agent/src/host-id.js';

let folder: SettingsFolder;
beforeEach(() => {
  folder = new SettingsFolder();
});
afterEach(() => {
  folder[Symbol.dispose]();
});

const write = (name: string, text: string): void => {
  folder.write(name, text);
};
const loadGateway = (argv?: string[], env?: Record<string, string>) => folder.gateway(argv, env);
const loadAgent = (argv?: string[], env?: Record<string, string>) => folder.agent(argv, env);

describe('layers', () => {
  it('puts the environment over the file, and flags over both', () => {
    write('application.yaml', 'http: { host: 10.0.0.1, port: 1, agentPortRange: { start: 9100, end: 9200 } }');
    const env = { HTTP_PORT: '2', HTTP_AGENT_PORT_RANGE_START: '9101', ADMIN_TOKEN: 's3cret' };
    const { http } = settingsOf(loadGateway(['--http-port', '3'], env));
    expect(http).toMatchObject({ host: '10.0.0.1', port: 3, agentPortRange: { start: 9101, end: 9200 } });
  });

  it('takes every variable with BERTH_ before it, which wins over the plain one', () => {
    const { http, admin } = settingsOf(
      loadGateway([], { HTTP_PORT: '2', BERTH_HTTP_PORT: '3', BERTH_ADMIN_TOKEN: 't' }),
    );
    expect([http.port, admin.token]).toEqual([3, 't']);
    expect(settingsOf(loadAgent(['1'], { BERTH_AGENT_ID: 'a', AGENT_CONNECTIONS: '2' }))).toMatchObject({
      id: 'a',
      connections: 2,
    });
  });

  it('passes over what an orchestrator injects for a service named http or grpc, and says so', () => {
    const injected = { HTTP_PORT: 'tcp://10.0.0.1:80', GRPC_PORT: 'udp://10.0.0.2:53' };
    const loaded = loadGateway([], { ...injected, BERTH_GRPC_PORT: '9091' });
    if (loaded.kind !== 'settings') throw new Error(loaded.output);
    expect([loaded.settings.http.port, loaded.settings.grpc.port]).toEqual([8080, 9091]);
    expect(loaded.warnings).toEqual([
      expect.stringContaining('HTTP_PORT is passed over'),
      expect.stringContaining('use BERTH_GRPC_PORT'),
    ]);
    // What nobody injects by accident is taken at its word.
    expect(problemsOf(() => loadGateway([], { BERTH_HTTP_PORT: 'tcp://10.0.0.1:80' }))[0]).toMatch(/^http\.port: /);
  });

  it('does not report what a stronger layer replaces', () => {
    write('application.yaml', 'http: { port: wrong }');
    expect(settingsOf(loadGateway([], { HTTP_PORT: '8081' })).http.port).toBe(8081);
  });

  it.each([
    ['flag', ['--config', 'other.yaml'], {}],
    ['environment', [], { CONFIG_FILE: 'other.yaml' }],
  ])('reads the file that the %s names instead of the usual one', (_, argv, env) => {
    write('application.yaml', 'http: { port: 1 }');
    write('other.yaml', 'grpc: { port: 2 }');
    const { http, grpc } = settingsOf(loadGateway(argv, env as Record<string, string>));
    expect([http.port, grpc.port]).toEqual([8080, 2]);
  });

  it('needs a named file, but not the usual one', () => {
    expect(loadGateway().kind).toBe('settings');
    expect(problemsOf(() => loadGateway(['--config', 'none.yaml']))).toEqual([
      'config: the file cannot be read: ENOENT (got "none.yaml", from flag --config)',
    ]);
  });

  it('reads agent.yaml, AGENT_… and AGENT_CONFIG_FILE for the agent, and nothing of the gateway', () => {
    write('application.yaml', 'nonsense: true');
    write('agent.yaml', 'target: http://localhost:1\nid: a\nmetadata: { site: north }');
    write('b.yaml', 'target: http://localhost:2\nid: b');
    const env = { AGENT_PORTS_HOLD_MS: 'x', HTTP_PORT: 'x', CONFIG_FILE: 'none.yaml', AGENT_UNKNOWN: '1' };
    expect(settingsOf(loadAgent([], { ...env, AGENT_ID: 'c' }))).toMatchObject({
      target: 'http://localhost:1',
      id: 'c',
      metadata: { site: 'north' },
    });
    expect(settingsOf(loadAgent([], { ...env, AGENT_CONFIG_FILE: 'b.yaml' })).id).toBe('b');
  });

  it('takes an empty variable as not set, and a section or key without a value as the default', () => {
    write('application.yaml', 'http:\n  port:\ngrpc:\n  # port: 1\n');
    const { http, grpc } = settingsOf(loadGateway([], { HTTP_PORT: '', CONFIG_FILE: '' }));
    expect([http.port, grpc.port]).toEqual([8080, 9090]);
  });

  it('reads lists, names with values, and switches from text', () => {
    const env = { AGENT_PORTS_STATIC: 'a=1, b=2', AGENT_PORTS_CORS_ORIGINS: 'https://a.example,*', LOG_PRETTY: '1' };
    const { agentPorts, log } = settingsOf(loadGateway(['--no-log-pretty'], env));
    expect(agentPorts.static).toEqual({ a: 1, b: 2 });
    expect(agentPorts.corsOrigins).toEqual(['https://a.example', '*']);
    expect(log.pretty).toBe(false);
    const argv = ['3000', '--id', 'x', '--metadata', 'a=1=2', '--metadata', 'b='];
    expect(settingsOf(loadAgent(argv)).metadata).toEqual({ a: '1=2', b: '' });
  });

  it('gives plain settings that nothing can change', () => {
    const settings = settingsOf(loadGateway([], { AGENT_PORTS_STATIC: 'a=1' }));
    expect(Object.getPrototypeOf(settings.http)).toBe(Object.prototype);
    const parts = [settings, settings.http.agentPortRange, settings.agentPorts.static, settings.agentPorts.corsOrigins];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true, true]);
  });
});

describe('flags of the agent', () => {
  it('has short ones, and takes the target without one', () => {
    const argv = 'localhost:3000 --id kiosk-7 --gateway gw:1 --connections 2 --token t'.split(' ');
    const tls = '--tls --tls-ca ca.pem --tls-cert c.pem --tls-key /k.pem --tls-server-name n'.split(' ');
    expect(settingsOf(loadAgent([...argv, ...tls]))).toMatchObject({
      target: 'http://localhost:3000',
      id: 'kiosk-7',
      gateway: 'gw:1',
      connections: 2,
      token: 't',
      tls: {
        enabled: true,
        caFile: join(folder.path, 'ca.pem'),
        certFile: join(folder.path, 'c.pem'),
        keyFile: '/k.pem',
        serverName: 'n',
      },
    });
  });

  it('switches TLS on when one of its files is given, unless it is switched off', () => {
    const base = ['3000', '--id', 'a'];
    expect(settingsOf(loadAgent(base)).tls.enabled).toBe(false);
    expect(settingsOf(loadAgent(base, { AGENT_TLS_CA_FILE: '/ca' })).tls.enabled).toBe(true);
    expect(settingsOf(loadAgent([...base, '--tls-cert', '/c', '--tls-key', '/k'])).tls.enabled).toBe(true);
    expect(settingsOf(loadAgent([...base, '--no-tls', '--tls-ca', '/ca'])).tls.enabled).toBe(false);
  });

  it('refuses a target given twice, and more arguments than one', () => {
    expect(problemsOf(() => loadAgent(['1', '--target', '2', '--id', 'a']))[0]).toMatch(/^target: is given twice/);
    expect(problemsOf(() => loadAgent(['1', '2', '--id', 'a']))).toEqual([
      'command line: too many arguments without a flag; commands are status, service, verify, completion',
    ]);
  });

  it('asks which command was meant', () => {
    expect(problemsOf(() => loadAgent(['statsu', '--id', 'a']))).toEqual([
      expect.stringMatching(/\(got "statsu", from the command line; did you mean status\?\)$/),
    ]);
    expect(problemsOf(() => loadGateway(['verfy']))).toEqual([
      'command line: takes no arguments without a flag; did you mean verify?',
    ]);
  });
});

describe('texts instead of settings', () => {
  const helpOf = (flag: string): string => {
    const result = loadAgent([flag, '3000'], { AGENT_CONNECTIONS: 'x' });
    if (result.kind !== 'exit') throw new Error('no help');
    expect(result.code).toBe(0);
    return result.output;
  };

  it('prints short help that begins with examples, and needs no valid settings', () => {
    const help = helpOf('-h');
    expect(help).toMatch(/^Examples:\n {2}berth-agent 3000 /);
    for (const part of ['--gateway <text>', '\n  verify ', 'Exit codes:', '  3   ', '--help-all', '-v, --version']) {
      expect(help).toContain(part);
    }
    expect(help).not.toContain('--reconnect-min-ms');
    expect(helpOf('--help')).toBe(help);
    expect(helpOf('help')).toBe(help);
    const ofVerify = loadAgent(['verify', '-h']);
    expect(ofVerify).toMatchObject({ kind: 'exit', code: 0 });
    expect(loadAgent(['help', 'verify'])).toEqual(ofVerify);
  });

  it('prints help with every flag that is grouped and warns about tokens', () => {
    const help = helpOf('--help-all');
    for (const part of [
      'berth-agent [options] [target]',
      '\nReconnecting:\n',
      '--[no-]tls, --[no-]tls-enabled',
      'can be seen by every user',
      'BERTH_TOKEN or AGENT_TOKEN in the environment',
    ]) {
      expect(help).toContain(part);
    }
  });

  it.each(['--version', '-v'])('prints the version for %s', (flag) => {
    const result = loadGateway([flag]);
    if (result.kind !== 'exit') throw new Error('no version');
    expect(result.code).toBe(0);
    expect(result.output).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });

  it('prints the settings that result, without secrets', () => {
    const result = loadGateway(['--print-config', '--http-port', '1234'], { AUTH_TOKEN: 'hush' });
    if (result.kind !== 'exit') throw new Error('no settings printed');
    expect(result.output).toContain('port: 1234');
    expect(result.output).toContain('token: "[REDACTED]"');
    expect(result.output).not.toContain('hush');
  });
});

describe('tokens', () => {
  it('comes from a file, without the white space around it', () => {
    write('token', '  s3cret\n');
    expect(settingsOf(loadGateway(['--token-file', 'token'])).auth).toEqual({
      token: 's3cret',
      tokenFile: join(folder.path, 'token'),
    });
    expect(settingsOf(loadAgent(['3000', '--id', 'a'], { AGENT_TOKEN_FILE: 'token' })).token).toBe('s3cret');
    const affinity = { INGRESS_AFFINITY_SECRET_FILE: 'long' };
    write('long', 'sixteen letters or more\n');
    expect(settingsOf(loadGateway([], affinity)).ingress.affinity.secret).toBe('sixteen letters or more');
    const admin = { HTTP_HOST: '0.0.0.0', ADMIN_TOKEN_FILE: 'token' };
    expect(settingsOf(loadGateway([], admin)).admin.token).toBe('s3cret');
    expect(problemsOf(() => loadGateway([], { ...admin, ADMIN_TOKEN_FILE: 'none' }))).toEqual([
      expect.stringMatching(/^admin\.tokenFile: .*cannot be read: ENOENT/),
    ]);
  });

  it('is refused beside a file; a file must exist and hold something', () => {
    write('empty', ' \n');
    expect(problemsOf(() => loadGateway(['--token', 'hush', '--token-file', 'empty']))).toEqual([
      'auth.token: is given beside auth.tokenFile; give one of them (from flag --token)',
    ]);
    const [empty] = problemsOf(() => loadGateway(['--token-file', 'empty']));
    expect(empty).toBe('auth.tokenFile: names a file that is empty (got "empty", from flag --token-file)');
    expect(problemsOf(() => loadGateway(['--token-file', 'none']))[0]).toMatch(/cannot be read: ENOENT/);
  });

  it('may not be empty in the environment or a flag: the gateway would start without any', () => {
    const what = 'is set but empty; leave it out to go without';
    expect(problemsOf(() => loadGateway([], { AUTH_TOKEN: '' }))).toEqual([
      `auth.token: ${what} (from env AUTH_TOKEN)`,
    ]);
    expect(problemsOf(() => loadAgent(['1', '--id', 'a', '--token', '']))[0]).toContain(what);
  });
});

describe('names for the secret', () => {
  it.each([
    [{ BERTH_TOKEN: 'both' }, 'both'],
    [{ BERTH_TOKEN: 'both', AGENT_TOKEN: 'own', AUTH_TOKEN: 'own' }, 'own'],
    [
      { BERTH_TOKEN: 'b', AGENT_TOKEN: 'o', AUTH_TOKEN: 'o', BERTH_AGENT_TOKEN: 'last', BERTH_AUTH_TOKEN: 'last' },
      'last',
    ],
  ])('%j gives both programs %s', (env: Record<string, string>, token) => {
    expect(settingsOf(loadGateway([], env)).auth.token).toBe(token);
    expect(settingsOf(loadAgent(['1', '--id', 'a'], env)).token).toBe(token);
  });

  it('BERTH_TOKEN_FILE names the file for both, and an empty BERTH_TOKEN is refused', () => {
    write('token', 's3cret');
    const env = { BERTH_TOKEN_FILE: 'token' };
    expect(settingsOf(loadGateway([], env)).auth.token).toBe('s3cret');
    expect(settingsOf(loadAgent(['1'], env)).token).toBe('s3cret');
    expect(problemsOf(() => loadGateway([], { BERTH_TOKEN: '' }))[0]).toMatch(/^auth\.token: is set but empty/);
  });
});

describe('what may be left out', () => {
  it('is the id: that of the host stands for it', () => {
    const { id } = settingsOf(loadAgent(['3000']));
    expect(id).toBe(idFromHostName(hostname()));
    write('agent.yaml', 'target: 3000\nid: mine');
    expect(settingsOf(loadAgent()).id).toBe('mine');
  });

  it('is all of a target but its port, in the file too', () => {
    write('agent.yaml', 'target: 3000\nid: a\nexpose: { api: 4000, ssh: "tcp://localhost:22" }');
    expect(settingsOf(loadAgent())).toMatchObject({
      target: 'http://localhost:3000',
      expose: { api: 'http://localhost:4000', ssh: 'tcp://localhost:22' },
    });
    write('agent.yaml', 'target: 70000\nid: a\nexpose: { api: 1.5, b: true }');
    expect(problemsOf(() => loadAgent()).map((line) => line.slice(0, 8))).toEqual(['target: ', 'expose: ']);
  });
});
