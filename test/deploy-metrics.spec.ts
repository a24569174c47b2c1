import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { eventually, localService } from '@berth/testing';
import {
  hasPromtool,
  parsePrometheus,
  queryComplaints,
  type Sample,
  TestCa,
  testAgent,
  testGateway,
  type TestGateway,
} from '@berth/testing/system';

const DEPLOY = fileURLToPath(new URL('../deploy/', import.meta.url));
const RULES = join(DEPLOY, 'prometheus/berth.rules.yml');
const withPromtool = hasPromtool ? it : it.skip;

interface Rules {
  groups: { rules: { alert: string; expr: string }[] }[];
}
interface Panel {
  id: number;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; legendFormat: string }[];
}
interface Dashboard {
  panels: Panel[];
  annotations: { list: { name: string; expr: string }[] };
  templating: { list: { name: string; query: string | { query: string } }[] };
}

const { groups } = parse(readFileSync(RULES, 'utf8')) as Rules;
const alerts = groups.flatMap(({ rules }) => rules);
const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana/berth-gateway.json'), 'utf8')) as Dashboard;

/** As Grafana fills its variables in. */
const filledIn = (query: string): string =>
  query.replaceAll('$__rate_interval', '5m').replaceAll(/\$(instance|agent)\b/g, '.*');

describe('what deploy/ has for Prometheus and Grafana', () => {
  let samples: Sample[] = [];

  async function scrape(gateway: TestGateway): Promise<Sample[]> {
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    return [...parsePrometheus(text).values()].flatMap((family) => family.samples);
  }
  const has = (found: readonly Sample[], name: string): boolean =>
    found.some((sample) => sample.name === name && sample.value > 0);

  /** A gateway with certificates and an agent that had traffic, one that is refused, and one without its service. */
  beforeAll(async () => {
    using ca = new TestCa();
    const pair = ca.issue('gateway', 'DNS:localhost');
    await using secure = await testGateway({
      grpc: { tls: { enabled: true, ...pair } },
      ingress: { tls: { enabled: true, ...pair } },
    });
    await using service = await localService((_, response) => response.end('hello'));
    await using gateway = await testGateway({
      tunnel: { allowedAgentIds: ['one', 'two'] },
      policyAgents: { waf: { address: '/nowhere/waf.sock' } },
    });
    await using one = await testAgent(gateway, service.port, { id: 'one', local: { checkIntervalMs: 1000 } });
    await using two = await testAgent(gateway, 'http://127.0.0.1:1', { id: 'two' });
    await expect(testAgent(gateway, service.port, { id: 'three' })).rejects.toThrow('three');
    expect((await fetch(one.url)).status).toBe(200);
    expect((await fetch(two.url)).status).toBe(502);
    const found = await eventually(async () => {
      const now = await scrape(gateway);
      const there = [
        'berth_agent_errors_by_code_total',
        'berth_registrations_refused_total',
        'berth_reported_local_service_up',
        'nodejs_gc_duration_seconds_sum',
      ];
      // Garbage, so that some is collected: the figure is there from then on.
      Array.from({ length: 200_000 }, () => ({}));
      return there.every((name) => has(now, name)) ? now : undefined;
    });
    samples = [...found, ...(await scrape(secure))];
  });

  it('the alerts ask for what the gateway has', () => {
    expect(alerts.length).toBeGreaterThan(10);
    for (const { alert, expr } of alerts) expect([alert, ...queryComplaints(expr, samples)]).toEqual([alert]);
  });

  it('the panels ask for what the gateway has, and their legends show what a query leaves', () => {
    const targets = dashboard.panels.flatMap(({ targets: all = [] }) => all);
    expect(targets.length).toBeGreaterThan(30);
    for (const { expr, legendFormat } of targets) {
      expect([expr, ...queryComplaints(filledIn(expr), samples)]).toEqual([expr]);
      const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      const [, kept = 'instance'] = / by \(([^)]*)\)/.exec(expr) ?? [];
      for (const label of labels) expect([expr, ...kept.split(', ')]).toContain(label);
    }
  });

  it('the variables and marks of the dashboard ask for what the gateway has', () => {
    const { templating, annotations } = dashboard;
    const queries = templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query));
    const wanted = queries.flatMap((query) => /^label_values\((.*), (\w+)\)$/.exec(query)?.slice(1) ?? []);
    expect(wanted.length).toBe(4);
    for (const [index, query] of wanted.entries())
      if (index % 2 === 0)
        expect(queryComplaints(`count by (${wanted[index + 1] ?? ''}) (${filledIn(query)})`, samples)).toEqual([]);
    for (const { expr } of annotations.list) expect(queryComplaints(filledIn(expr), samples)).toEqual([]);
  });

  it('the panels have ids of their own and do not lie on one another', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('what is misspelt is seen', () => {
    expect(queryComplaints('rate(berth_agent_requests[5m])', samples)).toEqual(['there is no berth_agent_requests{}']);
    expect(queryComplaints('berth_agent_connections{state="idle"}', samples)).toHaveLength(1);
    expect(queryComplaints('sum by (agents) (berth_agent_connections)', samples)).toEqual(['there is no label agents']);
    expect(queryComplaints('sum(berth_agents', samples)).toHaveLength(1);
  });

  withPromtool('promtool takes the alerts, and its tests of them pass', () => {
    for (const args of [
      ['check', 'rules', RULES],
      ['test', 'rules', join(DEPLOY, 'prometheus/berth.rules.test.yml')],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
      expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
    }
  });
});
