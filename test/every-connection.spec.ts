import type { BodySink, IncomingExchange, OpenHead, ResetCode, ResponseHead } from '@berth/exchange';
import { RawAgent, SiloAgent, type SiloMessage, type TestGateway, testGateway } from '@berth/testing/system';
import { AgentRegistry } from 'berth-gateway';
import type { Carried } from '../libs/agent-pool/testing/carried-lab.js';
import { everyConnection } from '../libs/agent-pool/testing/compliance.js';

/** The connection that agent `a` has registered by hand. */
function inService(gateway: TestGateway, agent: { close(): void }): Carried {
  const [connection] = gateway.app.get(AgentRegistry).get('a')?.connections ?? [];
  if (connection === undefined) throw new Error('not registered');
  return {
    connection,
    breakOff: () => {
      agent.close();
    },
    close: async () => {
      agent.close();
      await gateway.close();
    },
  };
}

everyConnection('the tunnel over gRPC', async (accept) => {
  const gateway = await testGateway();
  const agent = new RawAgent(gateway.grpcPort);
  agent.accept = accept;
  await agent.hello('a').welcome;
  return inService(gateway, agent);
});

/** A REQUEST as an exchange that comes in: its answer is collected, and leaves as one message. */
class SiloIncoming implements IncomingExchange {
  readonly pipe = false;
  readonly id = 0;
  closed = false;
  sendEnded = false;
  readonly openHead: OpenHead;
  sink!: BodySink;
  private response: ResponseHead | undefined;
  private readonly chunks: Buffer[] = [];

  constructor(
    private readonly agent: SiloAgent,
    private readonly request: SiloMessage,
  ) {
    const { method = '', path = '', query = '', ...rest } = request.metadata;
    const headers = Object.entries(rest).flatMap(([key, value]) =>
      key.startsWith('header_') ? [key.slice('header_'.length), value] : [],
    );
    const target = query === '' ? path : `${path}?${query}`;
    this.openHead = { kind: 0, method, target, headers, body: request.payload.length > 0 };
  }

  sendHead(head: ResponseHead): void {
    this.response = head;
  }

  sendInformational(): void {
    throw new Error('not on this wire');
  }

  sendData(bytes: Buffer): boolean {
    this.chunks.push(bytes);
    return true;
  }

  sendEnd(): void {
    const { status = 0, headers: flat = [] } = this.response ?? {};
    const headers: Record<string, string> = {};
    for (let i = 0; i < flat.length; i += 2) headers[flat[i] as string] = flat[i + 1] as string;
    this.agent.answer(this.request, { status, headers, body: Buffer.concat(this.chunks) });
  }

  reset(_code: ResetCode, message = ''): void {
    this.agent.fail(this.request, message);
  }

  consumed(): void {
    // There is no credit.
  }

  discard(): void {
    // Nor anything to give back.
  }
}

everyConnection(
  'the wire of silo-proxy',
  async (accept) => {
    const gateway = await testGateway({ tunnel: { silo: { enabled: true } } });
    const agent = await SiloAgent.registered(gateway.grpcPort, 'a');
    agent.onRequest = (request) => {
      const exchange = new SiloIncoming(agent, request);
      exchange.sink = accept(exchange);
      if (request.payload.length > 0) exchange.sink.data(request.payload);
      exchange.sink.end(undefined);
    };
    return inService(gateway, agent);
  },
  {
    heads: 'headers are a map: repeats are joined, order is lost',
    interim: 'an answer is one message with a status, headers and a body',
    streams: 'a request and its answer are one message each',
    pipes: 'no upgrades',
    resets: 'a request cannot be taken back, and a failure has no code',
    successors: 'the gateway cannot ask an agent for another connection',
  },
);
