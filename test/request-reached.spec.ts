import { once } from 'node:events';
import type { DeepPartial } from '@berth/config';
import { ResetCode } from '@berth/exchange';
import type { IncomingTunnelExchange } from '@berth/tunnel-protocol';
import type { GatewaySettings } from 'berth-gateway';
import { eventually, localService, owning, RawClient } from '@berth/testing';
import {
  agentIds,
  codeIn,
  headLines,
  headOf,
  metric,
  RawAgent,
  send,
  start,
  testAgent,
  testGateway,
  untilClosed,
} from '@berth/testing/system';

const POST = { method: 'POST', body: 'once' };
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

/** Status, code and verdict of an error answer as it came over the wire. */
function verdict(text: string): string {
  const lines = headLines(text);
  const reached = lines.filter((line) => line.startsWith('Berth-Request-Reached: '));
  expect(reached).toHaveLength(1);
  return [lines[0]?.split(' ')[1], codeIn(text), reached[0]?.split(': ')[1]].join(' ');
}

describe('each error that Berth answers says whether the request may have reached the local service', () => {
  async function setUp(overrides: DeepPartial<GatewaySettings> = {}) {
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await testGateway(overrides));
    const agent = stack.use(await RawAgent.registered(gateway.grpcPort, 'agent-1'));
    const { port } = await agent.welcome;
    const clients = stack.use(new DisposableStack());
    const ask = async (bytes: string): Promise<RawClient> => {
      const client = clients.use(await RawClient.connect(port));
      client.send(bytes);
      return client;
    };
    return owning({ gateway, agent, port, ask }, stack);
  }

  const errorOf = async (client: RawClient): Promise<string> => {
    await eventually(() => client.text().endsWith('}'));
    return verdict(client.text());
  };

  const limits = { ingress: { maxBodyBytes: 10, maxTargetBytes: 256, headersTimeoutMs: 50 } };

  it.each([
    ['a head that is no HTTP', 'nonsense\r\n\r\n', '400 BERTH_BAD_REQUEST no'],
    ['framing that cannot be trusted', 'GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n', '400 BERTH_BAD_REQUEST no'],
    ['a head that stands still', 'GET / HT', '408 BERTH_REQUEST_TIMEOUT no'],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', '405 BERTH_METHOD_NOT_ALLOWED no'],
    [
      'a target that is too long',
      `GET /${'a'.repeat(300)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      '414 BERTH_TARGET_TOO_LONG no',
    ],
    [
      'an upgrade with a target that is too long',
      UPGRADE.replace('/', `/${'a'.repeat(300)}`),
      '414 BERTH_TARGET_TOO_LONG no',
    ],
    [
      'a body whose length is too large',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n',
      '413 BERTH_BODY_TOO_LARGE no',
    ],
  ])('no: %s', async (_what, bytes, expected) => {
    await using setup = await setUp(limits);
    expect(verdict(await untilClosed(setup.port, bytes))).toBe(expected);
    expect(setup.agent.opened).toEqual([]);
  });

  it('no: the agent is away, and its port is held', async () => {
    await using setup = await setUp({ agentPorts: { holdMs: 60_000 } });
    setup.agent.close();
    await eventually(async () => (await agentIds(setup.gateway)).length === 0);
    const client = await setup.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
    expect(await errorOf(client)).toBe('503 BERTH_AGENT_UNAVAILABLE no');
  });

  it.each([
    [ResetCode.refused, '503 BERTH_AGENT_BUSY no'],
    [ResetCode.localBusy, '503 BERTH_LOCAL_SERVICE_BUSY no'],
    [ResetCode.localUnreachable, '502 BERTH_LOCAL_SERVICE_UNREACHABLE no'],
    [ResetCode.unsupported, '501 BERTH_UNSUPPORTED_EXCHANGE no'],
    [ResetCode.localFailed, '502 BERTH_LOCAL_SERVICE_FAILED maybe'],
    [ResetCode.localTimeout, '504 BERTH_RESPONSE_TIMEOUT maybe'],
    [ResetCode.internal, '502 BERTH_BAD_AGENT_RESPONSE maybe'],
    [77 as ResetCode, '502 BERTH_BAD_AGENT_RESPONSE maybe'],
  ])('by what the agent says: Reset %d becomes %s, for requests and upgrades', async (code, expected) => {
    await using setup = await setUp();
    const { agent, ask } = setup;
    agent.accept = (exchange) => {
      exchange.reset(code, 'says the test');
      return { data: () => undefined, end: () => undefined, failed: () => undefined, writable: () => undefined };
    };
    const request = await ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nonce');
    expect([await errorOf(request), await errorOf(await ask(UPGRADE))]).toEqual([expected, expected]);
  });

  it.each([
    [
      'the agent is lost',
      ({ agent }) => {
        agent.close();
      },
      '502 BERTH_AGENT_LOST maybe',
    ],
    ['no answer in time', () => undefined, '504 BERTH_RESPONSE_TIMEOUT maybe'],
    [
      'the body turns out too large',
      ({ client }) => {
        client.send('a\r\n0123456789\r\n');
      },
      '413 BERTH_BODY_TOO_LARGE maybe',
    ],
    [
      'the body turns out no HTTP',
      ({ client }) => {
        client.send('no chunk');
      },
      '400 BERTH_BAD_REQUEST maybe',
    ],
    [
      'the answer cannot be relayed',
      ({ exchange }) => {
        exchange.sendHead({ status: 200, reason: '', headers: ['X A', ''] });
      },
      '502 BERTH_BAD_AGENT_RESPONSE maybe',
    ],
  ] as [string, (it: { agent: RawAgent; client: RawClient; exchange: IncomingTunnelExchange }) => void, string][])(
    'maybe: %s, and the request was on its way',
    async (_what, fail, expected) => {
      await using setup = await setUp({ ingress: { maxBodyBytes: 10, responseTimeoutMs: 100 } });
      const { agent, ask } = setup;
      const end = expected.startsWith('504') ? '0\r\n\r\n' : '';
      const client = await ask(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n${end}`);
      const exchange = await eventually(() => agent.opened[0]);
      fail({ agent, client, exchange });
      expect(await errorOf(client)).toBe(expected);
    },
  );

  it('maybe: a second try was refused after a first one that was lost; it is counted', async () => {
    await using setup = await setUp({ tunnel: { duplicateAgent: 'share', slowStartMs: 0 } });
    const { gateway, agent: first, ask } = setup;
    const client = await ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => first.opened[0]);
    using second = await RawAgent.registered(gateway.grpcPort, 'agent-1', { instanceId: 'second' });
    first.close();
    const again = await eventually(() => second.opened[0]);
    expect(await metric(gateway, 'berth_agent_retries_total')).toBe(1);
    again.reset(ResetCode.refused, 'full');
    expect(await errorOf(client)).toBe('503 BERTH_AGENT_BUSY maybe');
    expect(await metric(gateway, 'berth_agent_retries_refused_total')).toBe(0);
  });

  it('is the same with an agent of Berth: a service that is down, and one that reads a POST and goes', async () => {
    await using service = await localService((request) => {
      request.resume().on('end', () => request.socket.destroy());
    });
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    const verdictOf = async (): Promise<unknown[]> => {
      const { status, headers, text } = await send(agent.port, POST);
      return [status, codeIn(text), headers['berth-request-reached']];
    };
    expect(await verdictOf()).toEqual([502, 'BERTH_LOCAL_SERVICE_FAILED', 'maybe']);
    await service.close();
    expect(await verdictOf()).toEqual([502, 'BERTH_LOCAL_SERVICE_UNREACHABLE', 'no']);
  });

  it('is not said of what the local service answers itself', async () => {
    await using service = await localService((_request, response) => response.writeHead(503).end());
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    const outgoing = start(agent.port);
    const response = headOf(outgoing);
    outgoing.end();
    const { statusCode, headers } = await response;
    expect([statusCode, headers['berth-request-reached']]).toEqual([503, undefined]);
    await once((await response).resume(), 'end');
  });
});
