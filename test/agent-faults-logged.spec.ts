import { status } from '@grpc/grpc-js';
import { owning, disposable, eventually } from '@berth/testing';
import { type LogLines, logLines, RawAgent, testGateway } from '@berth/testing/system';

const GARBAGE = Buffer.from('\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff garbage', 'latin1');
const BROKE = 'connection closed: the agent broke the protocol';

describe('what agents do wrong is found in the log', () => {
  async function start(token = ''): Promise<LogLines & { grpcPort: number } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const logged = logLines();
    const gateway = stack.use(await testGateway({ auth: { token } }, 4, logged.log));
    return owning({ ...logged, grpcPort: gateway.grpcPort }, stack);
  }
  const ended = (agent: RawAgent): RawAgent & AsyncDisposable => disposable(agent, (it) => it.close());
  const of = ({ at }: LogLines, message: string): object[] => at('warn').filter(({ msg }) => msg.startsWith(message));

  it('a breach of the protocol by a registered agent, with its id and the reason', async () => {
    await using stack = new AsyncDisposableStack();
    const log = stack.use(await start());
    await using agent = ended(await RawAgent.registered(log.grpcPort, 'faulty'));
    const { connectionId } = await agent.welcome;
    agent.call.write(GARBAGE);
    await agent.status;
    expect(await eventually(() => of(log, BROKE)[0])).toMatchObject({
      agentId: 'faulty',
      connectionId,
      code: 'BERTH_PROTOCOL_ERROR',
      reason: expect.stringMatching(/\S/),
      remoteAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
  });

  it('one before a registration, and a refusal: one line each, and no second one for the same', async () => {
    await using stack = new AsyncDisposableStack();
    const log = stack.use(await start('sesame'));
    await using early = ended(new RawAgent(log.grpcPort));
    early.call.write(GARBAGE);
    await early.status;
    await stack.use(ended(new RawAgent(log.grpcPort).hello('a', { token: 'guess' }))).status;
    const metadata = { x: 'y'.repeat(1000) };
    await stack.use(ended(new RawAgent(log.grpcPort).hello('a', { token: 'sesame', metadata }))).status;
    await eventually(() => log.at('warn').length >= 3);
    expect(of(log, BROKE)).toHaveLength(1);
    expect(of(log, 'registration refused')).toMatchObject([
      { agentId: 'a', code: 'BERTH_UNAUTHENTICATED' },
      { agentId: 'a', code: 'BERTH_PROTOCOL_ERROR' },
    ]);
  });

  it('C17: who is refused has a status and a line of its own for an id that is taken, one that is denied, a wrong token', async () => {
    await using stack = new AsyncDisposableStack();
    const { log, at } = logLines();
    const tunnel = { allowedAgentIds: ['web-*'], duplicateAgent: 'reject' } as const;
    const { grpcPort } = stack.use(await testGateway({ auth: { token: 'sesame' }, tunnel }, 4, log));
    const come = (id: string, instanceId: string, token = 'sesame'): RawAgent =>
      stack.use(ended(new RawAgent(grpcPort).hello(id, { instanceId, token })));
    await come('web-1', 'first').welcome;
    const refusals = [
      ['web-1', 'second', 'sesame', status.ALREADY_EXISTS, 'BERTH_AGENT_EXISTS'],
      ['db-1', 'first', 'sesame', status.PERMISSION_DENIED, 'BERTH_AGENT_NOT_ALLOWED'],
      ['web-2', 'first', 'guess', status.UNAUTHENTICATED, 'BERTH_UNAUTHENTICATED'],
    ] as const;
    for (const [agentId, instanceId, token, expected, code] of refusals) {
      const { code: found, metadata } = await come(agentId, instanceId, token).status;
      expect([found, metadata.get('berth-error-code')]).toEqual([expected, [code]]);
      const lines = await eventually(() => {
        const all = at('warn').filter((line) => line['agentId'] === agentId);
        return all.length > 0 ? all : undefined;
      });
      expect(lines).toEqual([
        expect.objectContaining({ msg: `registration refused: ${code}`, code, reason: expect.stringMatching(/\S/) }),
      ]);
      expect(JSON.stringify(lines)).not.toMatch(/sesame|guess/);
    }
  });

  it('however often they do it, in a few lines', async () => {
    await using stack = new AsyncDisposableStack();
    const log = stack.use(await start('sesame'));
    for (let i = 0; i < 20; i += 1) {
      const agent = stack.use(ended(new RawAgent(log.grpcPort)));
      agent.call.write(GARBAGE);
      await agent.status;
      await stack.use(ended(new RawAgent(log.grpcPort).hello('a', { token: 'guess' }))).status;
    }
    expect(of(log, BROKE).length).toBeLessThanOrEqual(5);
    expect(of(log, 'registration refused').length).toBeLessThanOrEqual(5);
  });
});
