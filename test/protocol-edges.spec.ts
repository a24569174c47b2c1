import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { ExchangeKind } from '@berth/exchange';
import { eventually, RawClient } from '@berth/testing';
import { agentIds, RawAgent, testGateway, type TestGateway } from '@berth/testing/system';
import { encodeFrame, FrameField } from '../libs/tunnel-protocol/src/frame-encoder.js';
import {
  connection,
  credit,
  data,
  end,
  LoneSession,
  WINDOW_BYTES,
} from '../libs/tunnel-protocol/testing/lone-session.js';
import { turn } from '../libs/tunnel-protocol/testing/wire.js';

describe('edges of the protocol that docs/protocol.md names', () => {
  const start = async (): Promise<TestGateway> => await testGateway({ tunnel: { duplicateAgent: 'replace' } });
  const rawAgent = ({ grpcPort }: TestGateway): RawAgent => new RawAgent(grpcPort);

  it.each([
    { what: 'no exchanges', limits: { maxExchanges: 0, initialWindowBytes: 1 } },
    { what: 'no window', limits: { maxExchanges: 1, initialWindowBytes: 0 } },
    { what: 'a window of 2 GiB', limits: { maxExchanges: 1, initialWindowBytes: 0x80000000 } },
  ])('a Hello of $what is refused', async ({ limits }) => {
    await using stack = new AsyncDisposableStack();
    using agent = rawAgent(stack.use(await start())).hello('a', { limits });
    expect((await agent.status).code).toBe(status.INVALID_ARGUMENT);
    expect(agent.refused).toMatchObject({ code: 'BERTH_PROTOCOL_ERROR', retryable: false });
  });

  it.each([
    { maxExchanges: 1, initialWindowBytes: 1 },
    { maxExchanges: 1, initialWindowBytes: 0x7fffffff },
  ])('a Hello with limits of %j is taken, whatever it says of its connections', async (limits) => {
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    for (const connections of [0, 1, 4_000_000]) {
      await stack.use(rawAgent(gateway)).hello(`a${connections}`, { limits, connections }).welcome;
    }
  });

  it('two connections without an instance_id are two processes: the second takes over', async () => {
    await using gateway = await start();
    using first = rawAgent(gateway).hello('a', { instanceId: '' });
    await first.welcome;
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway)).hello('a', { instanceId: '' }).welcome;
    expect((await first.status).code).toBe(status.ABORTED);
  });

  it('an agent that ends its stream has closed: its exchanges fail, and the call ends with OK', async () => {
    await using gateway = await start();
    using agent = rawAgent(gateway).hello('a');
    const { port } = await agent.welcome;
    using client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => agent.opened[0]);
    agent.call.end();
    expect((await agent.status).code).toBe(status.OK);
    await eventually(() => client.text().includes('BERTH_AGENT_LOST'));
    await eventually(async () => (await agentIds(gateway)).length === 0);
  });

  it('frames of features that nobody announced are passed over', async () => {
    await using gateway = await start();
    using agent = rawAgent(gateway).hello('a');
    await agent.welcome;
    const { health, pause, resume, capacity, metricsReport, configAck } = FrameField;
    for (const field of [health, pause, resume, capacity, metricsReport, configAck])
      agent.call.write(Buffer.from(encodeFrame.connection(field, Buffer.alloc(0)), 'latin1'));
    agent.session.sendPing(1);
    await once(agent.call, 'data');
    expect(await agentIds(gateway)).toEqual(['a']);
  });

  it('trailers in a byte pipe are passed over', () => {
    const lone = new LoneSession('gateway');
    lone.open({ kind: ExchangeKind.tcp, body: true });
    lone.receive(data(1, 1), { ...end(1), trailers: ['a', 'b'] } as ReturnType<typeof end>);
    expect(lone.closed).toEqual([]);
    expect(lone.sinks[0]?.calls).toEqual(['data 1', expect.stringMatching(/^end/)]);
  });

  it('credit that was used up does not count against its bound', async () => {
    const lone = new LoneSession('gateway');
    lone.open({ body: true });
    lone.receive(credit(1, 0x7fffffff - WINDOW_BYTES));
    lone.sinks[0]?.exchange?.sendData(Buffer.alloc(32_768));
    await turn();
    lone.receive(credit(1, 32_768));
    expect(lone.closed).toEqual([]);
    lone.receive(credit(1, 1), connection(FrameField.pause));
    expect(lone.closed.map((error) => error?.code)).toEqual(['BERTH_PROTOCOL_ERROR']);
  });
});
