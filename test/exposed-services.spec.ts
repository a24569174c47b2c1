import { eventually, localService } from '@berth/testing';
import { codeIn, Program, send, testAgent, type TestGateway, testGateway } from '@berth/testing/system';
import { LifecycleEvents } from 'berth-gateway';

async function named(name: string) {
  return localService((request, response) => response.end(`${name} ${request.url ?? ''}`));
}

/** Waits until an agent called agent-1 has connected so often. */
async function connectedTimes(gateway: TestGateway, times: number): Promise<void> {
  let count = 0;
  const off = gateway.app.get(LifecycleEvents).on('agent.connected', ({ agentId }) => {
    if (agentId === 'agent-1') count += 1;
  });
  await eventually(() => count >= times);
  off();
}

interface Listed {
  name: string;
  port: number;
  state: string;
}

describe('an agent that exposes several local services', () => {
  it('each is reached at a port of its own, and one that dies takes no other with it', async () => {
    await using web = await named('web');
    const api = await named('api');
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, web.port, {
      expose: { api: `http://127.0.0.1:${api.port}` },
      local: { checkIntervalMs: 50 },
    });
    const { services } = await agent.ready;
    expect(services.map(({ name, port }) => [name, port > 0])).toEqual([
      ['default', true],
      ['api', true],
    ]);
    const [first, second] = services.map(({ port }) => port) as [number, number];
    expect(first).toBe(agent.port);
    expect([(await send(first, { path: '/1' })).text, (await send(second, { path: '/2' })).text]).toEqual([
      'web /1',
      'api /2',
    ]);
    const listed = async (): Promise<Listed[]> =>
      ((await (await fetch(`${gateway.admin}/agents/agent-1`)).json()) as { services: Listed[] }).services;
    await api[Symbol.asyncDispose]();
    await eventually(async () => (await listed())[1]?.state === 'unhealthy');
    expect((await listed()).map(({ state }) => state)).toEqual(['healthy', 'unhealthy']);
    expect(codeIn((await send(second)).text)).toBe('BERTH_LOCAL_SERVICE_UNREACHABLE');
    expect((await send(first, { path: '/3' })).text).toBe('web /3');
  });

  it('without a port for one that is required it serves nothing, and comes back when there is one', async () => {
    await using web = await named('web');
    await using api = await named('api');
    await using gateway = await testGateway({}, 2);
    const other = await testAgent(gateway, web.port, { id: 'other' });
    const agent = testAgent(gateway, web.port, {
      expose: { api: `http://127.0.0.1:${api.port}` },
      requiredServices: ['api'],
    });
    const agents = async (): Promise<string[]> =>
      ((await (await fetch(`${gateway.admin}/agents`)).json()) as { agents: { agent_id: string }[] }).agents.map(
        ({ agent_id: id }) => id,
      );
    // It comes again and again, and is gone as soon as it knows.
    await connectedTimes(gateway, 3);
    await eventually(async () => (await agents()).join() === 'other');
    await other[Symbol.asyncDispose]();
    await using served = await agent;
    expect((await served.ready).services.every(({ port }) => port > 0)).toBe(true);
  });

  it('as a program it prints an address for each', async () => {
    await using web = await named('web');
    await using api = await named('api');
    await using gateway = await testGateway();
    await using program = new Program('agent', [
      ...['--expose', `web=${web.port}`, '--expose', `api=127.0.0.1:${api.port}`],
      ...['--id', 'a', '--gateway', `127.0.0.1:${gateway.grpcPort}`],
    ]);
    const printed = await program.printed(
      /"urls":\{"web":"http:\/\/127\.0\.0\.1:(\d+)","api":"http:\/\/127\.0\.0\.1:(\d+)"\}/,
    );
    const [, first, second] = printed.map(Number);
    expect((await send(second ?? 0, { path: '/x' })).text).toBe('api /x');
    expect((await send(first ?? 0, { path: '/x' })).text).toBe('web /x');
  });

  it.each([
    ['nothing to serve', [], /target: is missing/],
    ['a name that is none', ['--expose', 'Web=3000'], /expose: "Web" must be/],
    ['a target that is none', ['--expose', 'web=ftp://x'], /expose: "web" is no usable target/],
    ['a wish of one that is not there', ['3000', '--ports', 'api=8111'], /ports: names "api"/],
    ['the first one twice', ['3000', '--expose', 'default=3001'], /expose: "default" is the one/],
    ['several with protocol silo', ['3000', '--expose', 'a=1', '--protocol', 'silo'], /expose: is not possible/],
  ])('settings: %s', async (_name, args, message) => {
    await using program = new Program('agent', [...args, '--id', 'a']);
    expect(await program.exit).toBe(2);
    expect(program.stderr).toMatch(message);
  });
});
