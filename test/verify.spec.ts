import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyPair, Program, TestCa } from '@berth/testing/system';
import { loadAgentSettings } from 'berth-agent';
import { loadGatewaySettings } from 'berth-gateway';

let cwd: string;
const ca = new TestCa();
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'berth-verify-'));
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});
afterAll(() => {
  ca.remove();
});

const write = (text: string): void => {
  writeFileSync(join(cwd, 'agent.yaml'), text);
};

function verify(...argv: string[]): { code: number; lines: string[] } {
  const result = loadAgentSettings({ argv: ['verify', ...argv], env: {}, cwd });
  if (result.kind !== 'exit') throw new Error('it would start');
  return { code: result.code, lines: result.output.trimEnd().split('\n') };
}

describe('verify', () => {
  it('says in one line that settings and files are fine', () => {
    const { certFile, keyFile } = ca.issue('kiosk-7');
    const tls = `tls: { caFile: ${ca.caFile}, certFile: ${certFile}, keyFile: ${keyFile} }`;
    write(`id: kiosk-7\ntarget: 3000\nexpose: { ssh: "tcp://localhost:22" }\ngateway: "gw.example:9090"\n${tls}\n`);
    expect(verify()).toEqual({
      code: 0,
      lines: [
        'agent.yaml is fine: agent kiosk-7, gateway gw.example:9090, default at http://localhost:3000, ssh at tcp://localhost:22',
      ],
    });
  });

  it.each(['srv:_berth._tcp.example.org', 'srv:_berth._tcp.lan.', 'srv:9090', '[::1]:9090'])(
    'takes %s for the gateway',
    (gateway) => {
      write(`id: kiosk-7\ntarget: 3000\ngateway: "${gateway}"\n`);
      const { code, lines } = verify();
      expect(lines).toEqual([
        `agent.yaml is fine: agent kiosk-7, gateway ${gateway}, default at http://localhost:3000`,
      ]);
      expect(code).toBe(0);
    },
  );

  it.each([
    ['target: 1\nexpose: { API: 1 }', 'expose: "API" must be 1 to 32 of a-z 0-9 -', 'agent.yaml:3'],
    ['expose: { api: 1, api: 2 }', 'config: agent.yaml:2:19: this name stands twice', 'twice'],
    ['target: 3000\nexpose: { default: "3001" }', 'expose: "default" is the one that target names', 'agent.yaml:3'],
    ['target: { a: 1 }', 'target: must be text', 'agent.yaml:2'],
    [
      'target: 1\ngateway: "srv:_berth._tcp.a.org:9090"',
      'gateway: must be srv:_service._tcp.domain, without',
      'agent.yaml:3',
    ],
    ['target: 1\ngateway: srv:berth.example.org', 'gateway: must be srv:_service._tcp.domain', 'agent.yaml:3'],
    ['target: 1\ngateway: srv:_berth._udp.a.org', 'gateway: must be srv:_service._tcp.domain', 'agent.yaml:3'],
    ['target: 1\ngateway: "srv:"', 'gateway: must be srv:_service._tcp.domain', 'agent.yaml:3'],
    ['target: 1\ngateway: _berth._tcp.a.org', 'gateway: must be host:port, without a scheme', 'agent.yaml:3'],
    ['target: 1\nproxy: 3', 'proxy: must be text', 'agent.yaml:3'],
    ['target: tcp://h:22\nlocal: { hostHeader: target }', 'local.hostHeader: has no effect', 'agent.yaml:3'],
    ['target: tcp://h:22\nlocal: { originUrl: "http://a" }', 'local.originUrl: has no effect', 'agent.yaml:3'],
    [
      'target: tcp://h:22\nhealthPaths: { default: /x }',
      'healthPaths: names "default", which is raw TCP',
      'agent.yaml:3',
    ],
  ])('names the setting of %j, and its place', (text, what, place) => {
    write(`id: kiosk-7\n${text}\n`);
    const { code, lines } = verify();
    expect(code).toBe(1);
    expect(lines[0]).toContain(what);
    expect(lines[0]).toContain(place);
  });

  it('takes the same flags as a start, and the file that they name', () => {
    writeFileSync(join(cwd, 'other.yaml'), 'id: other\n');
    expect(verify('--config', 'other.yaml', '3000')).toEqual({
      code: 0,
      lines: ['other.yaml is fine: agent other, gateway 127.0.0.1:9090, default at http://localhost:3000'],
    });
  });

  it('finds everything that is wrong with settings and files together', () => {
    const [mine, other] = [ca.issue('mine'), ca.issue('other')];
    writeFileSync(join(cwd, 'text'), 'no certificate');
    write(
      [
        'id: kiosk-7',
        'target: "ftp://nowhere"',
        `tls: { caFile: /nowhere/ca.pem, certFile: ${mine.certFile}, keyFile: text }`,
        'local: { tls: { caFile: text } }',
        'configPush: { file: /nowhere/pushed.json }',
      ].join('\n'),
    );
    const { code, lines } = verify();
    expect(code).toBe(1);
    expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual([
      'target',
      'tls.caFile',
      'tls.keyFile',
      'local.tls.caFile',
      'configPush.file',
    ]);
    expect(lines[0]).toContain('from agent.yaml:2)');
    expect(lines[1]).toContain('cannot read /nowhere/ca.pem');
    write(`id: a\ntarget: 1\ntls: { certFile: ${mine.certFile}, keyFile: ${other.keyFile} }`);
    expect(verify().lines).toEqual([expect.stringContaining('is not the key of the certificate')]);
    const old = ca.issue('old', undefined, -1);
    write(`id: a\ntarget: 1\ntls: { certFile: ${old.certFile}, keyFile: ${old.keyFile} }`);
    expect(verify().lines).toEqual([expect.stringMatching(/^tls.certFile: has expired on /)]);
  });

  it('is known to the gateway as well', () => {
    const result = loadGatewaySettings({ argv: ['verify', '--http-port', '1'], env: {}, cwd });
    expect(result).toMatchObject({ kind: 'exit', code: 0, output: expect.stringContaining('all is fine') as string });
    const wrong = loadGatewaySettings({ argv: ['verify', '--http-port', '-1'], env: {}, cwd });
    expect(wrong).toMatchObject({ kind: 'exit', code: 1, output: expect.stringContaining('http.port') as string });
  });

  it('says which policies of the gateway let nobody in, which is allowed', () => {
    const file = join(cwd, 'application.yaml');
    writeFileSync(
      file,
      "policies: { 'web-*': { access: { deny: ['0.0.0.0/0', '::/0'] } }, other: { access: { deny: ['::/0'] } } }\n",
    );
    const result = loadGatewaySettings({ argv: ['verify'], env: {}, cwd });
    const why = 'nobody can use the ports of policies."web-*": access.deny names all addresses';
    expect(result).toMatchObject({ kind: 'exit', code: 0, output: `application.yaml is fine: ${why}\n` });
  });

  it("finds everything that is wrong with the gateway's TLS files", () => {
    const pem = (name: string, pair: KeyPair, other = pair): string => {
      const file = join(cwd, name);
      writeFileSync(file, Buffer.concat([readFileSync(pair.certFile), readFileSync(other.keyFile)]));
      return file;
    };
    const [mine, other, old] = [ca.issue('mine'), ca.issue('other'), ca.issue('old', undefined, -1)];
    const look = (text: string): string[] => {
      writeFileSync(join(cwd, 'application.yaml'), text);
      const result = loadGatewaySettings({ argv: ['verify'], env: {}, cwd });
      if (result.kind !== 'exit') throw new Error('it would start');
      return [String(result.code), ...result.output.trimEnd().split('\n')];
    };
    const tls = (pair: KeyPair, more = ''): string =>
      `tls: { enabled: true, certFile: ${pair.certFile}, keyFile: ${pair.keyFile}${more} }`;
    const [good, mixed, gone] = [pem('good', mine), pem('mixed', mine, other), join(cwd, 'none')];
    const fine = `, certificates: { a: ${good}, a/b: ${good}, c: off }, sniFiles: [${good}], caFile: ${ca.caFile}`;
    expect(look(`grpc: { ${tls(mine)} }\ningress: { ${tls(mine, fine)} }`)[0]).toBe('0');
    const wrong = `, certificates: { a: ${mixed}, b: ${good}, c: ${gone} }, sniFiles: [${pem('past', old)}], caFile: ${gone}`;
    expect(look(`grpc: { ${tls({ ...mine, keyFile: other.keyFile })} }\ningress: { ${tls(old, wrong)} }`)).toEqual([
      '1',
      expect.stringMatching(/^grpc.tls.keyFile: .* is not the key of the certificate .*application.yaml:1/),
      expect.stringMatching(/^ingress.tls.caFile: cannot read /),
      expect.stringMatching(/^ingress.tls.certFile: has expired on /),
      expect.stringMatching(/^ingress.tls.certificates: "a": .*mixed is not the key of .*; "c": cannot read .*none/),
      expect.stringMatching(/^ingress.tls.sniFiles: file: .*past has expired on /),
    ]);
    expect(look(`ingress: { ${tls(mine, ', ciphers: NO-SUCH-CIPHER')} }`)).toEqual([
      '1',
      expect.stringContaining('ingress.tls.ciphers: '),
    ]);
    expect(look(`ingress: { tls: { enabled: false, certFile: ${gone} } }`)[0]).toBe('0');
  });

  it('ends the program with its code, and starts nothing', async () => {
    await using good = new Program('agent', ['verify', '3000', '--id', 'laptop']);
    expect(await good.exit).toBe(0);
    expect(good.stdout).toContain('there is no agent.yaml; without it all is fine: agent laptop');
    await using bad = new Program('agent', ['verify', 'ftp://x', '--id', 'laptop']);
    expect(await bad.exit).toBe(1);
    expect(bad.stderr).toContain('target: ');
    expect(bad.stdout).toBe('');
    await using help = new Program('agent', ['--help']);
    expect(await help.exit).toBe(0);
    expect(help.stdout).toContain('verify [options]');
  });

  it('looks at the files of policy agents and of their listener', () => {
    const { certFile, keyFile } = ca.issue('gateway');
    const waf = { address: 'grpcs://waf:50051', tls: { caFile: join(cwd, 'nowhere.pem'), certFile, keyFile } };
    const listener = { port: 9191, tls: { certFile, keyFile: certFile } };
    writeFileSync(join(cwd, 'application.yaml'), JSON.stringify({ policyAgents: { waf }, policyListener: listener }));
    const result = loadGatewaySettings({ argv: ['verify'], env: {}, cwd });
    expect(result).toMatchObject({ kind: 'exit', code: 1 });
    const said = result.kind === 'exit' ? result.output : '';
    expect(said).toMatch(/^policyAgents\.waf\.tls\.caFile: cannot read /m);
    expect(said).toMatch(/^policyListener\.tls\.keyFile: .*is no private key/m);
  });
});
