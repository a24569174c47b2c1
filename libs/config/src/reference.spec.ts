import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { defaultAgentSettings, defaultGatewaySettings } from './defaults.js';
import { exampleFile } from './example-file.js';
import { redactedYaml } from './redacted-yaml.js';
import { settingsReference, withReference } from './reference.js';
import { AGENT_SCHEMA, GATEWAY_SCHEMA } from './setting-list.js';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const SCHEMAS = [GATEWAY_SCHEMA, AGENT_SCHEMA];

/** The example with its commented defaults switched on. */
const switchedOn = (example: string): string => example.replaceAll(/^( *)#(?=\w)/gm, '$1');

describe('documentation', () => {
  // To repair: npm run build && node dist/libs/config/src/write-reference.js
  it('has exactly the rows that the classes give', () => {
    const page = read('docs/configuration.md');
    expect(page).toBe(withReference(page));
    for (const schema of SCHEMAS) expect(page).toContain(settingsReference(schema));
  });

  it.each(SCHEMAS)('has an example file of $program', (schema) => {
    expect(read(`examples/config/${schema.fileName}`)).toBe(exampleFile(schema));
  });

  it('has examples whose lines are the defaults', () => {
    const gateway: unknown = parse(switchedOn(exampleFile(GATEWAY_SCHEMA)));
    expect(gateway).toEqual(defaultGatewaySettings());
    const agent: unknown = parse(switchedOn(exampleFile(AGENT_SCHEMA)));
    expect(agent).toEqual(defaultAgentSettings({ target: 'http://localhost:3000', id: 'kiosk-7' }));
  });
});

describe('names', () => {
  it.each([
    [GATEWAY_SCHEMA, 'http.agentPortRange.start', 'HTTP_AGENT_PORT_RANGE_START', '--http-agent-port-range-start'],
    [GATEWAY_SCHEMA, 'grpc.tls.certFile', 'GRPC_TLS_CERT_FILE', '--grpc-tls-cert-file'],
    [GATEWAY_SCHEMA, 'agentPorts.holdMs', 'AGENT_PORTS_HOLD_MS', '--agent-ports-hold-ms'],
    [AGENT_SCHEMA, 'tls.caFile', 'AGENT_TLS_CA_FILE', '--tls-ca-file'],
  ])('%#: follow from the path', (schema, path, env, flag) => {
    expect(schema.settings.find((setting) => setting.path === path)).toMatchObject({ env, flag });
  });

  it.each(SCHEMAS)('are unique in $program, and each setting has a description', ({ settings }) => {
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
    expect(GATEWAY_SCHEMA.settings).toHaveLength(leaves(defaultGatewaySettings()));
    expect(AGENT_SCHEMA.settings).toHaveLength(leaves(defaultAgentSettings({ target: '1', id: 'a' })));
  });
});

describe('redactedYaml', () => {
  it('hides secrets that are set, of the gateway and of the agent, and nothing else', () => {
    const gateway = defaultGatewaySettings({ auth: { token: 'hush' } });
    expect(parse(redactedYaml(gateway))).toEqual({ ...gateway, auth: { token: '[REDACTED]', tokenFile: '' } });
    const agent = defaultAgentSettings({ target: '1', id: 'a', token: 'hush' });
    expect(parse(redactedYaml(agent))).toEqual({ ...agent, token: '[REDACTED]' });
    expect(parse(redactedYaml(defaultGatewaySettings()))).toEqual(defaultGatewaySettings());
  });
});
