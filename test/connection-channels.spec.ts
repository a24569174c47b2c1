import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { eventually } from '@berth/testing';
import { agentIds, RawAgent, testGateway } from '@berth/testing/system';

const CHANNELS = ['opened', 'refused', 'closed'] as const;

describe('diagnostics channels of connections', () => {
  function listen(stack: DisposableStack): [string, unknown][] {
    const heard: [string, unknown][] = [];
    for (const name of CHANNELS) {
      const listener = (message: unknown): void => void heard.push([name, message]);
      subscribe(`berth:connection:${name}`, listener);
      stack.defer(() => void unsubscribe(`berth:connection:${name}`, listener));
    }
    return heard;
  }

  it('tell of one that opens and closes, and of one that is refused, with the reason', async () => {
    using stack = new DisposableStack();
    const heard = listen(stack);
    await using gateway = await testGateway({ auth: { token: 'secret' } });
    using agent = await RawAgent.registered(gateway.grpcPort, 'a', { token: 'secret' });
    const { connectionId } = await agent.welcome;
    using stranger = new RawAgent(gateway.grpcPort).hello('b', { token: 'wrong' });
    await stranger.status;
    agent.close();
    await eventually(() => heard.length === 3);
    expect(heard).toEqual([
      ['opened', { agentId: 'a', connectionId, remoteAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/) }],
      ['refused', { agentId: 'b', code: 'BERTH_UNAUTHENTICATED', message: expect.any(String) }],
      ['closed', { agentId: 'a', connectionId, reason: 'BERTH_CONNECTION_CLOSED' }],
    ]);
    expect(JSON.stringify(heard)).not.toMatch(/secret|wrong/);
  });

  it('tell nobody who has left', async () => {
    const stack = new DisposableStack();
    const heard = listen(stack);
    stack.dispose();
    await using gateway = await testGateway();
    using agent = await RawAgent.registered(gateway.grpcPort, 'a');
    agent.close();
    await eventually(async () => (await agentIds(gateway)).length === 0);
    expect(heard).toEqual([]);
  });
});
