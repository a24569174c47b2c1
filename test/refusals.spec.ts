import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { defaultAgentSettings } from 'berth-agent';
import type { BerthError } from '@berth/errors';
import { disposable, eventually, listening } from '@berth/testing';
import { logLines, testAgent, testGateway } from '@berth/testing/system';
import { type RunningAgent, launchAgent } from 'berth-agent';

/** Which refusals end an agent: its gateway's own word before the first Welcome, and nothing else. */
describe('an agent is refused', () => {
  const dialling = (port: number): RunningAgent & AsyncDisposable =>
    disposable(
      launchAgent(
        defaultAgentSettings({
          target: '1',
          id: 'agent-1',
          gateway: `127.0.0.1:${port}`,
          reconnect: { minMs: 10, maxMs: 50 },
          log: { level: 'silent' },
        }),
      ),
      (it) => it.stop(),
    );

  it('by a gateway with a wrong token, after it was registered: it says so, goes on, and is back', async () => {
    const lines = logLines();
    const before = await testGateway({ auth: { token: 'right' } });
    await using agent = await testAgent(before, 1, { token: 'right' }, lines.log);
    let gaveUp = false;
    void agent.gaveUp.then(() => (gaveUp = true));
    const reasons: string[] = [];
    agent.client.on('lost', ({ reason }) => reasons.push(reason.code));
    await before.close();
    const where = { grpc: { port: before.grpcPort }, http: { agentPortRange: before.range } };
    const wrong = await testGateway({ ...where, auth: { token: 'wrong' } });
    await eventually(() => reasons.filter((code) => code === 'BERTH_UNAUTHENTICATED').length > 2);
    expect(lines.at('warn').filter(({ code }) => code === 'BERTH_UNAUTHENTICATED')[0]).toMatchObject({
      msg: 'the gateway refuses an agent that it took before: it tries again',
      reason: expect.stringContaining('token') as string,
    });
    const back = once(agent.client, 'ready');
    await wrong.close();
    await using _right = await testGateway({ ...where, auth: { token: 'right' } });
    await back;
    expect(gaveUp).toBe(false);
  });

  it('by a gateway with a wrong token, before it was registered: it ends', async () => {
    await using gateway = await testGateway({ auth: { token: 'right' } });
    await using stack = new AsyncDisposableStack();
    expect((await stack.use(dialling(gateway.grpcPort)).gaveUp).code).toBe('BERTH_UNAUTHENTICATED');
  });

  it.each([400, 401, 403, 404])('by a proxy with status %i: that is no answer, and it goes on', async (status) => {
    const proxy = createHttp2Server((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>no</h1>');
    });
    await using setup = await listening(proxy);
    const { port, close } = setup;
    await servesAgentAfter(port, 2, close);
  });

  it('by a gRPC server that is no gateway: it goes on', async () => {
    await using server = disposable(new Server(), (it) => {
      it.forceShutdown();
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    await servesAgentAfter(port, 2, () => {
      server.forceShutdown();
    });
  });

  /** An agent is refused so often on the port, and registers when a gateway is there instead. */
  async function servesAgentAfter(port: number, refusals: number, end: () => unknown): Promise<void> {
    await using agent = dialling(port);
    let gaveUp: BerthError | undefined;
    void agent.gaveUp.then((reason) => (gaveUp = reason));
    const reasons: BerthError[] = [];
    agent.client.on('lost', ({ reason }) => reasons.push(reason));
    await eventually(() => gaveUp ?? reasons.length >= refusals);
    expect(gaveUp).toBeUndefined();
    await end();
    await using _gateway = await testGateway({ grpc: { port } });
    await agent.ready;
  }
});
