import { problemsOf, SettingsFolder } from '@berth/testing/system';

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

describe('problems of settings', () => {
  it('come together, each with path, value and place', () => {
    write('application.yaml', 'http: { port: 8080.5, nothing: 1 }\nlog: loud\nagentPorts: { static: { a: 5, b: 5 } }');
    const env = { GRPC_PORT: '8080x', LOG_PRETTY: 'yes', HTTP_AGENT_PORT_RANGE_START: '8300' };
    expect(problemsOf(() => loadGateway(['--bogus=hush', '--tunnel-duplicate-agent', 'both'], env))).toEqual([
      'command line: --bogus is no flag; --help-all lists them',
      'http.nothing: is no setting; http has host, port, allowedHosts, headersTimeoutMs, requestTimeoutMs, agentPortRange (from application.yaml:1)',
      'log: must be a group of settings; log has level, format, pretty, quiet (from application.yaml:2)',
      'grpc.port: must be a whole number from 0 to 65535 (got "8080x", from env GRPC_PORT)',
      'log.pretty: must be true or false (or 1 or 0) (got "yes", from env LOG_PRETTY)',
      'http.port: must be a whole number from 0 to 65535 (got 8080.5, from application.yaml:1)',
      'agentPorts.static: port 5 is given to both "a" and "b" (got {"a":5,"b":5}, from application.yaml:3)',
      'tunnel.duplicateAgent: must be one of probe, replace, reject, share (got "both", from flag --tunnel-duplicate-agent)',
      'http.agentPortRange: start 8300 is above end 8200',
    ]);
  });

  it('ask what a name was meant for: nearly so beside it, or so in another group', () => {
    const asked = (text: string, load: () => unknown): (string | undefined)[] => {
      write('application.yaml', text);
      write('agent.yaml', `target: 1\nid: a\n${text}`);
      return problemsOf(load).map((line) => /is no setting; (.*) \(from/.exec(line)?.[1]);
    };
    expect(asked('htpp: { port: 1 }\nhttp: { prot: 2 }\nagentPortRange: {}', loadGateway)).toEqual([
      'did you mean http?',
      'did you mean http.port?',
      'did you mean http.agentPortRange?',
    ]);
    expect(asked('token-file: a\nhostHeader: b\ntls: { gateway: c }\nlogs: {}', loadAgent)).toEqual([
      'did you mean tokenFile?',
      'did you mean one of hostHeaders, local.hostHeader?',
      'did you mean gateway?',
      'did you mean log?',
    ]);
    const nothingNear = [
      'nothing: a',
      '--help: b',
      '"": c',
      '"(Did you mean x?)": d',
      '__proto__: e',
      'constructor: f',
    ];
    const list = expect.stringMatching(/^the file has target, expose,/) as unknown;
    // Of what somebody has made, and not mistyped, the first ones are enough.
    const many = asked(Array.from({ length: 60 }, (_, i) => `gatewa${i % 7}${i}: 1`).join('\n'), loadAgent);
    expect(many.filter((words) => words === 'did you mean gateway?')).toHaveLength(50);
    // In more groups than it helps to name.
    expect(asked('enabled: true', loadGateway)).toEqual([expect.stringMatching(/^the file has http,/)]);
    expect(asked(nothingNear.join('\n'), loadAgent)).toEqual(nothingNear.map(() => list));
  });

  it('name every place where a missing target can be given', () => {
    const text = problemsOf(() => loadAgent([])).join('\n');
    for (const place of ['first argument', 'AGENT_TARGET', 'target in the file', 'expose']) {
      expect(text).toContain(place);
    }
  });

  it('tell a command that there is none of from a target', () => {
    expect(problemsOf(() => loadAgent(['begin']))[0]).toMatch(/^target: is no usable .*commands are .*verify/);
  });

  it.each([
    ['http: [ "a', 1, 11, 'something is missing here'],
    ['http:\n\tport: 1', 2, 1, 'a tab cannot indent; use spaces'],
    ['grpc: {}\nhttp: {}\ngrpc: {}', 3, 1, 'this name stands twice in its group'],
    ['log: a: b', 1, 6, 'a value cannot hold another name on the same line'],
    ['http: { port: *y }', 1, 15, 'an alias'],
    ['log: "\\q"', 1, 7, 'a backslash'],
    ['http:\n    port: 1\n  host: b', 3, 1, 'the indentation does not fit'],
  ])('say in words what is wrong with the YAML %j, with line and column', (text, line, column, words) => {
    write('application.yaml', text);
    const [first] = problemsOf(() => loadGateway());
    expect(first).toMatch(new RegExp(`^config: application\\.yaml:${line}:${column}: ${words}`));
    expect(first).not.toMatch(/[A-Z]{2,}_/);
  });

  it('understand the other flags when the last one lacks its value', () => {
    expect(problemsOf(() => loadAgent(['1', '--id', 'a', '--connections', '99', '--tls-key']))).toEqual([
      'command line: --tls-key needs a value',
      'connections: must be a whole number from 1 to 64 (got "99", from flag --connections)',
    ]);
  });

  it('suggest a flag', () => {
    expect(problemsOf(() => loadGateway(['--http-prot', '1']))[0]).toBe(
      'command line: --http-prot is no flag; did you mean --http-port?',
    );
  });

  it.each([
    ['a token of the wrong type', 'auth: { token: [hush] }'],
    ['a token that is a number', 'auth: { token: 771199 }'],
    ['a group that is a text', 'auth: hush'],
    ['broken YAML', 'auth: { token: hush'],
    ['an unknown alias', 'auth: { token: *hush }'],
    ['an unknown key', 'auth: { tokn: hush }'],
  ])('never show secrets: %s', (_, yaml) => {
    write('application.yaml', yaml);
    const text = problemsOf(() => loadGateway()).join('\n');
    expect(text).not.toMatch(/hush|771199/);
    expect(text).toContain('application.yaml');
  });

  it('never show secrets typed on the command line', () => {
    for (const argv of [['--tokn=hush'], ['--tokn', 'hush'], ['hush'], ['--token=hush', '--token-file', 'x']]) {
      expect(problemsOf(() => loadGateway(argv)).join('\n')).not.toContain('hush');
    }
    const target = problemsOf(() => loadAgent(['http://user:hush@localhost:1', '--id', 'a'])).join('\n');
    expect(target).toMatch(/^target: is no usable target/);
    expect(target).not.toContain('hush');
  });
});
