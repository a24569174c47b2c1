import { readFileSync } from 'node:fs';
import SwaggerParser from '@apidevtools/swagger-parser';
import type { OpenAPIObject } from '@nestjs/swagger';
import { ERROR_TABLE, isErrorCode } from '@berth/errors';
import { localService } from '@berth/testing';
import { differences, type Schema, testAgent, testGateway, type TestGateway } from '@berth/testing/system';

interface Answer {
  description?: string;
  content?: Record<string, { schema?: Schema; example?: unknown }>;
}
interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  responses: Record<string, Answer>;
}

describe('the description of the admin API', () => {
  let gateway: TestGateway;
  let document: OpenAPIObject;

  beforeAll(async () => {
    gateway = await testGateway();
    document = (await (await fetch(`${gateway.admin}/docs/openapi.json`)).json()) as OpenAPIObject;
  });
  afterAll(() => gateway.close());

  const operations = (): [string, string, Operation][] =>
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, Operation>).map(([method, operation]): [string, string, Operation] => [
        path,
        method,
        operation,
      ]),
    );

  /** Schema of an answer as documented; the test fails when there is none. */
  function schemaOf(path: string, method: string, status: string): Schema {
    const answers = (document.paths[path] as Record<string, Operation> | undefined)?.[method]?.responses ?? {};
    const content = (answers[status] ?? answers['default'])?.content ?? {};
    const schema = (content['application/json'] ?? content['text/plain'])?.schema;
    if (schema === undefined) throw new Error(`${method} ${path} documents no ${status}`);
    return schema;
  }

  it('is valid OpenAPI', async () => {
    await SwaggerParser.validate(structuredClone(document) as never);
  });

  // By hand: `npx @redocly/cli lint docs/openapi.json` has no errors and no warnings.
  it('calls whole numbers integers', () => {
    const numbers = Object.entries(document.components?.schemas ?? {}).flatMap(([name, schema]) =>
      Object.entries((schema as Schema).properties ?? {})
        .filter(([, { type }]) => type === 'number')
        .map(([property]) => `${name}.${property}`),
    );
    expect(numbers.sort()).toEqual([
      'AgentDetailDto.error_rate',
      'AuditDto.confidence',
      'ConnectionDto.error_rate',
      'ConnectionDto.round_trip_ms',
      'HealthReportDto.timeout_multiplier',
      'ReplicaDto.error_rate',
      'ServerDto.probe_ms',
    ]);
  });

  it('names every path there is', () => {
    const named = operations().map(([path, method]) => `${method} ${path}`);
    expect(named.sort()).toEqual([
      'delete /agents/{agent_id}',
      'delete /agents/{agent_id}/connections/{connection_id}',
      'delete /agents/{agent_id}/ports/{service}',
      'delete /policy-agents/{name}',
      'get /agents',
      'get /agents/{agent_id}',
      'get /agents/{agent_id}/config',
      'get /agents/{agent_id}/config/{push_id}',
      'get /agents/{agent_id}/exchanges',
      'get /agents/{agent_id}/policy',
      'get /health',
      'get /health/ready',
      'get /metrics',
      'get /policy-agents',
      'get /policy-agents/{name}',
      'get /policy-agents/{name}/config',
      'get /policy-agents/{name}/config/{push_id}',
      'get /policy-agents/{name}/updates',
      'get /ports',
      'get /servers',
      'patch /agents/{agent_id}/policy',
      'patch /policy-agents/{name}',
      'post /agents/config',
      'post /agents/{agent_id}/config',
      'post /agents/{agent_id}/drain',
      'post /agents/{agent_id}/undrain',
      'post /config/reload',
      'post /policy-agents/config',
      'post /policy-agents/{name}/config',
      'post /policy-agents/{name}/drain',
      'post /policy-agents/{name}/reconnect',
      'post /policy-agents/{name}/undrain',
      'post /servers/{bind}/restart',
      'put /agents/{agent_id}/ports/{service}',
      'put /policy-agents/{name}',
    ]);
  });

  it('writes the names of properties and parameters in snake_case', () => {
    const names = (function* namesIn(value: unknown): Generator<string> {
      if (typeof value !== 'object' || value === null) return;
      const { in: place, name, properties } = value as { in?: unknown; name?: unknown; properties?: object };
      if (typeof place === 'string' && typeof name === 'string') yield name;
      if (typeof properties === 'object') yield* Object.keys(properties);
      // An example is a value: rules of a policy have the names of settings (decision 0040).
      for (const [key, item] of Object.entries(value)) if (key !== 'example') yield* namesIn(item);
    })(document);
    const unlike = [...names].filter((name) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name));
    expect(unlike).toEqual([]);
    for (const path of Object.keys(document.paths)) expect(path).toMatch(/^(\/([a-z]+(-[a-z]+)*|\{[a-z_]+\}))+$/);
  });

  it('gives each operation a name that reads well in a client, once, and a tag that is explained', () => {
    const ids = operations().map(([, , { operationId }]) => operationId);
    expect(ids.sort()).toEqual([
      'changePolicy',
      'changePolicyAgent',
      'deletePolicyAgent',
      'disconnectAgent',
      'drainAgent',
      'drainPolicyAgent',
      'endConnection',
      'freePort',
      'getAgent',
      'getConfigPush',
      'getHealth',
      'getMetrics',
      'getPolicy',
      'getPolicyAgent',
      'getPolicyAgentUpdates',
      'getPolicyConfigPush',
      'getPorts',
      'getReadiness',
      'listAgents',
      'listConfigPushes',
      'listExchanges',
      'listPolicyAgents',
      'listPolicyConfigPushes',
      'listServers',
      'pinPort',
      'pushConfig',
      'pushConfigToAll',
      'pushPolicyConfig',
      'pushPolicyConfigToAll',
      'putPolicyAgent',
      'reconnectPolicyAgent',
      'reloadConfig',
      'restartServer',
      'undrainAgent',
      'undrainPolicyAgent',
    ]);
    const explained = document.tags?.map(({ name }) => name) ?? [];
    for (const [path, method, { tags = [] }] of operations()) {
      expect([method, path, tags]).toEqual([method, path, explained.filter((name) => name === tags[0])]);
    }
  });

  it('describes each error answer by codes of its status, with an example, as JSON and as a problem', () => {
    for (const [path, method, { responses }] of operations()) {
      for (const [status, { description = '', content = {} }] of Object.entries(responses)) {
        if (/^2/.test(status) || path === '/health/ready') continue;
        const where = `${method} ${path} ${status}`;
        const codes = description.match(/BERTH_\w+/g) ?? [];
        const statuses = codes.map((code) => (isErrorCode(code) ? String(ERROR_TABLE[code].http) : code));
        if (status !== 'default') expect([where, [...new Set(statuses)]]).toEqual([where, [status]]);
        const { 'application/json': json, 'application/problem+json': problem } = content;
        expect([where, differences(document, json?.schema ?? {}, json?.example)]).toEqual([where, []]);
        expect([where, problem?.schema]).toEqual([where, { $ref: '#/components/schemas/ProblemDto' }]);
      }
    }
  });

  it('documents a success with its schema, and the errors, of every path', () => {
    for (const [path, method, { summary, responses }] of operations()) {
      const where = `${method} ${path}`;
      expect([where, summary]).toEqual([where, expect.stringMatching(/\S/)]);
      const success = Object.keys(responses).filter((status) => status.startsWith('2'));
      expect([where, success.length]).toEqual([where, 1]);
      if (success[0] !== '204') schemaOf(path, method, success[0] as string);
      expect([where, differences(document, schemaOf(path, method, 'default'), sampleError)]).toEqual([where, []]);
    }
  });
  const sampleError = { error: { code: 'BERTH_INTERNAL', message: 'internal error', request_id: 'req-1' } };

  it('says what the paths really answer', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    const settings = { id: 'described', metadata: { site: 'north' } };
    await using agent = await testAgent(gateway, service.port, settings);
    await (await fetch(agent.url)).text();
    const answers: [path: string, asked: string, status: number][] = [
      ['/agents', '/agents', 200],
      ['/agents/{agent_id}', '/agents/described', 200],
      ['/agents/{agent_id}', '/agents/unknown', 404],
      ['/ports', '/ports', 200],
      ['/health', '/health', 200],
      ['/health/ready', '/health/ready', 200],
    ];
    for (const [path, asked, status] of answers) {
      const answer = await fetch(gateway.admin + asked);
      expect([asked, answer.status]).toEqual([asked, status]);
      const found = differences(document, schemaOf(path, 'get', String(status)), await answer.json());
      expect([asked, found]).toEqual([asked, []]);
    }
  });

  it('is served for people, too', async () => {
    const page = await fetch(`${gateway.admin}/docs`);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(await page.text()).toContain('swagger-ui');
    expect((await fetch(`${gateway.admin}/docs/openapi.yaml`)).status).toBe(200);
  });

  it('is the one in docs/openapi.json', () => {
    // Out of date? npm run build && node tools/write-openapi.ts
    expect(JSON.parse(readFileSync('docs/openapi.json', 'utf8'))).toEqual(document);
  });
});
