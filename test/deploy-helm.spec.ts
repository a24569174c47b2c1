import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse, parseAllDocuments } from 'yaml';
import type { Frozen, LoadResult } from '@berth/config';
import { loadAgentSettings } from 'berth-agent';
import { loadGatewaySettings } from 'berth-gateway';

const CHARTS = fileURLToPath(new URL('../deploy/helm/', import.meta.url));
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const withHelm = spawnSync('helm', ['version']).status === 0 ? describe : describe.skip;

type Chart = 'berth-gateway' | 'berth-agent';
interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec: {
    type?: string;
    ports?: { port: number }[];
    ingress?: unknown[];
    template: { spec: { containers: { args: string[]; volumeMounts: { name: string; mountPath: string }[] }[] } };
  };
}

const text = (chart: Chart, file: string): string => readFileSync(join(CHARTS, chart, file), 'utf8');
const GATEWAY = ['secret.token=token-of-agents', 'secret.adminToken=token-of-operators'];
const AGENT = ['secret.token=token-of-agents', 'gateway=gw.example:9090', 'target=http://web:3000'];

describe.each(['berth-gateway', 'berth-agent'] as const)('the chart %s', (chart) => {
  const valid = new Ajv({ strictRequired: false, allowUnionTypes: true }).compile(
    JSON.parse(text(chart, 'values.schema.json')) as object,
  );
  const values = parse(text(chart, 'values.yaml')) as Record<string, unknown>;

  it('is of the version of the packages', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(parse(text(chart, 'Chart.yaml'))).toMatchObject({ name: chart, appVersion: version });
  });

  it('has values that its schema takes, and refuses what is misspelt or a secret in the settings', () => {
    expect([valid(values), valid.errors]).toEqual([true, null]);
    expect(valid({ ...values, imgae: {} })).toBe(false);
    const secret = chart === 'berth-agent' ? { token: 'x' } : { admin: { token: 'x' } };
    expect(valid({ ...values, settings: secret })).toBe(false);
  });
});

withHelm('what helm makes of the charts', () => {
  function helm(...args: string[]): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync('helm', args, { encoding: 'utf8' });
    return { status, output: status === 0 ? stdout : stderr };
  }
  const sets = (values: readonly string[]): string[] => values.flatMap((value) => ['--set', value]);
  function render(chart: Chart, values: readonly string[]): Manifest[] {
    const { status, output } = helm('template', 'my', join(CHARTS, chart), '--kube-version', '1.30.0', ...sets(values));
    expect([status, status === 0 ? '' : output]).toEqual([0, '']);
    return parseAllDocuments(output).map((document) => document.toJS() as Manifest);
  }
  const one = (manifests: readonly Manifest[], kind: string, name: RegExp = /./): Manifest => {
    const found = manifests.filter((it) => it.kind === kind && name.test(it.metadata.name));
    expect(found).toHaveLength(1);
    return found[0] as Manifest;
  };
  const refusal = (chart: Chart, values: readonly string[]): string =>
    helm('template', 'my', join(CHARTS, chart), '--kube-version', '1.30.0', ...sets(values)).output;

  /** What the programs say to the settings that a chart makes. */
  function load<T>(manifests: readonly Manifest[], file: string, of: (argv: string[]) => LoadResult<T>): Frozen<T> {
    const folder = mkdtempSync(join(tmpdir(), 'berth-chart-'));
    try {
      writeFileSync(join(folder, file), one(manifests, 'ConfigMap').data?.[file] ?? '');
      const result = of(['--config', join(folder, file)]);
      if (result.kind !== 'settings') throw new Error(result.output);
      return result.settings;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it.each([
    ['berth-gateway', GATEWAY],
    ['berth-agent', AGENT],
  ] as const)('lint has nothing against %s', (chart, values) => {
    const { status, output } = helm('lint', '--strict', join(CHARTS, chart), ...sets(values));
    expect([status, output]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
  });

  it('a gateway takes the settings, and its services have the ports of its range', () => {
    const manifests = render('berth-gateway', [
      ...GATEWAY,
      'agentPorts.start=9001',
      'agentPorts.end=9003',
      'settings.ingress.responseTimeoutMs=5000',
      // What the chart decides is not lost by it.
      'settings.http.port=1',
    ]);
    const { http, ingress, state } = load(manifests, 'application.yaml', (argv) =>
      loadGatewaySettings({ argv, env: { ADMIN_TOKEN: 'token-of-operators' } }),
    );
    expect(http).toMatchObject({ host: '0.0.0.0', port: 8080, agentPortRange: { start: 9001, end: 9003 } });
    expect(http.allowedHosts).toContain('my-berth-gateway-admin.default.svc');
    expect([ingress.responseTimeoutMs, state.file]).toEqual([5000, '/var/lib/berth/state.db']);
    expect(one(manifests, 'Service', /-agents$/).spec.ports?.map(({ port }) => port)).toEqual([9001, 9002, 9003]);
    expect(manifests.some(({ kind }) => kind === 'ServiceMonitor')).toBe(false);
    one(render('berth-gateway', [...GATEWAY, 'serviceMonitor.enabled=true']), 'ServiceMonitor');
  });

  it('an agent takes the settings, and nobody reaches its pod', () => {
    const manifests = render('berth-agent', [...AGENT, 'expose.api=http://api:4000', 'settings.connections=2']);
    const settings = load(manifests, 'agent.yaml', (argv) => loadAgentSettings({ argv, env: {} }));
    expect(settings).toMatchObject({ id: 'my', gateway: 'gw.example:9090', connections: 2 });
    expect(one(manifests, 'NetworkPolicy').spec.ingress).toEqual([]);
    expect(manifests.some(({ kind }) => kind === 'Service')).toBe(false);
  });

  it('secrets stand in secrets alone, and reach the programs as files', () => {
    for (const [chart, values] of [
      ['berth-gateway', GATEWAY],
      ['berth-agent', AGENT],
    ] as const) {
      const others = render(chart, values).filter(({ kind }) => kind !== 'Secret');
      expect(JSON.stringify(others)).not.toMatch(/token-of/);
      const [container] = one(others, chart === 'berth-agent' ? 'Deployment' : 'StatefulSet').spec.template.spec
        .containers;
      expect(container?.volumeMounts).toContainEqual({
        name: 'secrets',
        mountPath: '/etc/berth/secrets',
        readOnly: true,
      });
      expect(render(chart, [...values, 'secret.existing=mine']).some(({ kind }) => kind === 'Secret')).toBe(false);
    }
  });

  it('what is missing or wrong is named', () => {
    expect(refusal('berth-gateway', [])).toMatch(/secret\.(token|adminToken), or secret\.existing/);
    expect(refusal('berth-gateway', [...GATEWAY, 'agentPorts.end=8000'])).toContain('start 8100 is above end 8000');
    expect(refusal('berth-gateway', [...GATEWAY, 'agentPorts.end=9000'])).toContain('250 ports');
    expect(refusal('berth-gateway', [...GATEWAY, 'agentPorts.end=90000'])).toContain('65,535');
    expect(refusal('berth-agent', ['secret.token=a', 'target=http://a'])).toContain('gateway: host:port');
    expect(refusal('berth-agent', ['secret.token=a', 'gateway=a:1'])).toContain('target, or expose');
  });
});
