import { readFileSync } from 'node:fs';
import SwaggerParser from '@apidevtools/swagger-parser';
import type { OpenAPIObject } from '@nestjs/swagger';
import { localService } from '@berth/testing';
import { differences, type Schema, testAgent, testGateway, type TestGateway } from '@berth/testing/system';

interface Answer {
  description?: string;
  content?: Record<string, { schema?: Schema }>;
}
interface Operation {
  summary?: string;
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
      'ConnectionDto.error_rate',
      'ConnectionDto.round_trip_ms',
      'ReplicaDto.error_rate',
      'ServerDto.probe_ms',
    ]);
  });

  it('names every path there is', () => {
    const named = operations().map(([path, method]) => `${method} ${path}`);
    expect(named.sort()).toEqual([
      'delete /agents/{id}',
      'delete /agents/{id}/connections/{connection}',
      'delete /agents/{id}/ports/{service}',
      'get /agents',
      'get /agents/{id}',
      'get /agents/{id}/config',
      'get /agents/{id}/config/{pushId}',
      'get /agents/{id}/exchanges',
      'get /agents/{id}/policy',
      'get /health',
      'get /health/ready',
      'get /metrics',
      'get /ports',
      'get /servers',
      'patch /agents/{id}/policy',
      'post /agents/config',
      'post /agents/{id}/config',
      'post /agents/{id}/drain',
      'post /agents/{id}/undrain',
      'post /config/reload',
      'post /servers/{bind}/restart',
      'put /agents/{id}/ports/{service}',
    ]);
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
  const sampleError = { error: { code: 'BERTH_INTERNAL', message: 'internal error', requestId: 'req-1' } };

  it('says what the paths really answer', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    const settings = { id: 'described', metadata: { site: 'north' } };
    await using agent = await testAgent(gateway, service.port, settings);
    await (await fetch(agent.url)).text();
    const answers: [path: string, asked: string, status: number][] = [
      ['/agents', '/agents', 200],
      ['/agents/{id}', '/agents/described', 200],
      ['/agents/{id}', '/agents/unknown', 404],
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
