import { readFileSync } from 'node:fs';
import { redactedYaml, settingsOf } from '@berth/config';
import { AGENT, defaultAgentSettings } from 'berth-agent';
import { defaultGatewaySettings, GATEWAY } from 'berth-gateway';
import { parse } from 'yaml';
import { exampleFile } from './example-file.ts';
import { settingsReference, withPolicyAgents, withReference, withRules } from './settings-reference.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const PROGRAMS = [GATEWAY, AGENT];

/** The example with its commented defaults switched on. */
const switchedOn = (example: string): string => example.replaceAll(/^( *)#(?=\w)/gm, '$1');

describe('documentation', () => {
  // To repair: npm run build && node tools/write-settings-docs.ts
  it('has exactly the rows that the classes give', () => {
    const page = read('docs/configuration.md');
    expect(page).toBe(withReference(page));
    for (const program of PROGRAMS) expect(page).toContain(settingsReference(program));
  });

  it('has exactly the rules of ports that there are', () => {
    const page = read('docs/policies.md');
    expect(page).toBe(withRules(page));
  });

  it('has exactly the settings of policy agents that there are', () => {
    const page = read('docs/policy-agents.md');
    expect(page).toBe(withPolicyAgents(page));
  });

  it.each(PROGRAMS)('has an example file of $name', (program) => {
    expect(read(`examples/config/${program.fileName}`)).toBe(exampleFile(program));
  });

  it('has examples whose lines are the defaults', () => {
    const gateway: unknown = parse(switchedOn(exampleFile(GATEWAY)));
    expect(gateway).toEqual(defaultGatewaySettings());
    const agent: unknown = parse(switchedOn(exampleFile(AGENT)));
    expect(agent).toEqual(defaultAgentSettings({ target: 'http://localhost:3000', id: 'kiosk-7' }));
  });
});

describe('names', () => {
  it.each([
    [GATEWAY, 'http.agentPortRange.start', 'HTTP_AGENT_PORT_RANGE_START', '--http-agent-port-range-start'],
    [GATEWAY, 'grpc.tls.certFile', 'GRPC_TLS_CERT_FILE', '--grpc-tls-cert-file'],
    [GATEWAY, 'agentPorts.holdMs', 'AGENT_PORTS_HOLD_MS', '--agent-ports-hold-ms'],
    [AGENT, 'tls.caFile', 'AGENT_TLS_CA_FILE', '--tls-ca-file'],
  ])('%#: follow from the path', (program, path, env, flag) => {
    expect(settingsOf(program).find((setting) => setting.path === path)).toMatchObject({ env, flag });
  });

  it.each(PROGRAMS)('are unique in $name, and each setting has a description', (program) => {
    const settings = settingsOf(program);
    const flags = settings.flatMap(({ flag, alias }) => (alias === undefined ? [flag] : [flag, alias]));
    for (const names of [flags, settings.map(({ env }) => env)]) expect(new Set(names).size).toBe(names.length);
    for (const { description } of settings) expect(description).toMatch(/^\S.*\.$/);
  });

  it('stand for all that other rooms may read', () => {
    const leaves = (node: object): number =>
      Object.values(node).reduce<number>(
        (sum, value: unknown) =>
          sum + (value !== null && typeof value === 'object' && Object.keys(value).length > 0 ? leaves(value) : 1),
        0,
      );
    expect(settingsOf(GATEWAY)).toHaveLength(leaves(defaultGatewaySettings()));
    expect(settingsOf(AGENT)).toHaveLength(leaves(defaultAgentSettings({ target: '1', id: 'a' })));
  });
});

describe('redactedYaml', () => {
  it('hides secrets that are set, of the gateway and of the agent, and nothing else', () => {
    const gateway = defaultGatewaySettings({ auth: { token: 'hush' } });
    expect(parse(redactedYaml(GATEWAY, gateway))).toEqual({ ...gateway, auth: { token: '[REDACTED]', tokenFile: '' } });
    const agent = defaultAgentSettings({ target: '1', id: 'a', token: 'hush' });
    expect(parse(redactedYaml(AGENT, agent))).toEqual({ ...agent, token: '[REDACTED]' });
    expect(parse(redactedYaml(GATEWAY, defaultGatewaySettings()))).toEqual(defaultGatewaySettings());
  });
});
