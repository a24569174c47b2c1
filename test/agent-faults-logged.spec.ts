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
