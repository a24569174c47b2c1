import { localService } from '@berth/testing';
import { testAgent, testGateway, type TestGateway } from '@berth/testing/system';

const PROBLEM = 'application/problem+json';

describe('errors as problems (RFC 9457), for clients that ask for them', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await testGateway();
  });
  afterAll(() => gateway.close());

  const ask = (url: string, accept?: string): Promise<Response> =>
    fetch(url, accept === undefined ? {} : { headers: { accept } });

  it('has all of an error, by the path alone', async () => {
    const answer = await ask(`${gateway.admin}/agents/nobody/exchanges?limit=7`, PROBLEM);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe(PROBLEM);
    expect(await answer.json()).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'Agent nobody not found',
      instance: '/agents/nobody/exchanges',
      code: 'BERTH_NOT_FOUND',
      request_id: expect.stringMatching(/^req-[0-9a-f]{12}$/),
    });
  });

  it.each([
    [undefined, false],
    ['*/*', false],
    ['application/*', false],
    ['text/html,application/xhtml+xml,*/*;q=0.8', false],
    ['application/problem+json;q=0.5, application/json', false],
    ['application/problem+json;q=0, application/json', false],
    ['text/html, application/problem+xml', false],
    [PROBLEM, true],
    ['APPLICATION/Problem+JSON', true],
    ['application/problem+json, application/json', true],
    ['application/problem+json, */*;q=0.1', true],
    ['application/json;q=0.9, application/problem+json', true],
  ])('Accept: %s', async (accept, isProblem) => {
    const answer = await ask(`${gateway.admin}/nothing`, accept);
    const body = (await answer.json()) as object;
    expect(Object.keys(body)).toEqual(
      isProblem ? ['type', 'title', 'status', 'detail', 'instance', 'code', 'request_id'] : ['error'],
    );
  });

  it('is so for what is refused before any route, and what the body parser refuses', async () => {
    const headers = { accept: PROBLEM, 'content-type': 'application/json' };
    const wrongMethod = await fetch(`${gateway.admin}/ports`, { method: 'POST', headers });
    expect(await wrongMethod.json()).toMatchObject({ status: 405, code: 'BERTH_METHOD_NOT_ALLOWED' });
    const noJson = await fetch(`${gateway.admin}/agents/x/config`, { method: 'POST', headers, body: '{bad' });
    expect(await noJson.json()).toMatchObject({ status: 400, code: 'BERTH_BAD_REQUEST', title: 'Bad Request' });
  });

  it("holds for Berth's own answers at the port of an agent", async () => {
    await using service = await localService((_, response) => response.end('never asked'));
    await using agent = await testAgent(gateway, service.port, { id: 'kiosk-7' });
    await fetch(`${gateway.admin}/agents/kiosk-7/drain`, { method: 'POST' });
    const answer = await ask(`${agent.url}/a/b?token=secret`, PROBLEM);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([503, PROBLEM]);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await answer.json()).toMatchObject({ status: 503, code: 'BERTH_DRAINING', instance: '/a/b' });
    expect(await (await ask(agent.url)).json()).toMatchObject({ error: { code: 'BERTH_DRAINING' } });
  });
});
