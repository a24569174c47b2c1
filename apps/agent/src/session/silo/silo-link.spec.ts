import { credentials } from '@grpc/grpc-js';
import { type BodySink, type ExchangeFailure, type IncomingExchange, ResetCode } from '@berth/exchange';
import { silentLog } from '@berth/observability';
import { eventually, owning } from '@berth/testing';
import { SiloServer, type SiloServerStream } from '@berth/testing/system';
import { defaultAgentSettings } from '../../agent-settings.js';
import type { LinkEnd } from '../link.js';
import { SiloLink, type SiloTimes } from './silo-link.js';

const TIMES: SiloTimes = { pingIntervalMs: 50, pongTimeoutMs: 200, answerTimeoutMs: 60_000 };

/** A service that answers when it is told to, or never. */
class Service implements BodySink {
  readonly failures: ExchangeFailure[] = [];
  readonly exchanges: IncomingExchange[] = [];
  readonly accept = (exchange: IncomingExchange): BodySink => {
    this.exchanges.push(exchange);
    return this;
  };
  data(): void {
    // Read and forgotten.
  }
  end(): void {
    // It waits.
  }
  failed(failure: ExchangeFailure): void {
    this.failures.push(failure);
  }
  writable(): void {
    // Never asked for.
  }
}

describe('SiloLink', () => {
  const connect = async (
    times: Partial<SiloTimes> = {},
    maxExchanges = 10,
  ): Promise<{ service: Service; stream: SiloServerStream; ends: LinkEnd[]; link: SiloLink } & AsyncDisposable> => {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(await SiloServer.start());
    const service = new Service();
    const ends: LinkEnd[] = [];
    let isWelcome = false;
    const settings = defaultAgentSettings({
      target: '3000',
      id: 'agent-1',
      gateway: `127.0.0.1:${server.port}`,
      protocol: 'silo',
      tunnel: { maxExchanges },
    });
    const link = new SiloLink(
      { ...settings, nameOf: (path) => path },
      credentials.createInsecure(),
      {
        welcome: () => (isWelcome = true),
        goaway: () => undefined,
        configPush: () => undefined,
        servicesReply: () => undefined,
        accept: service.accept,
        resetSent: () => undefined,
        full: () => undefined,
        ended: (_link, end) => ends.push(end),
      },
      silentLog,
      { ...TIMES, ...times },
    );
    stack.defer(() => {
      link.close();
    });
    await eventually(() => isWelcome);
    return owning({ service, stream: await server.agent(), ends, link }, stack);
  };

  it('A20: sends a PING without metadata again and again, and stays as long as PONGs come', async () => {
    await using setup = await connect();
    const { stream, ends } = setup;
    await eventually(() => stream.messages.length >= 5);
    const [first, ...later] = stream.messages;
    expect(first?.metadata).toEqual({ agent_id: 'agent-1' });
    for (const message of later) expect(message).toMatchObject({ type: 'PING', metadata: {} });
    expect(ends).toEqual([]);
  });

  it('ends when no PONG comes, and what runs is let go', async () => {
    await using setup = await connect();
    const { service, stream, ends, link } = setup;
    void stream.request();
    await eventually(() => service.exchanges.length === 1);
    stream.deaf = true;
    await eventually(() => ends.length === 1);
    expect(ends).toMatchObject([{ final: false, refused: false, reason: { code: 'BERTH_CONNECTION_SILENT' } }]);
    expect(service.failures.map(({ code }) => code)).toEqual(['connection-lost']);
    expect(link).toMatchObject({ registered: false, inFlight: 0 });
  });

  it('gives an answer up that takes longer than the server waits, at both ends', async () => {
    await using setup = await connect({ answerTimeoutMs: 100 });
    const { service, stream, link } = setup;
    const answer = await stream.request();
    expect(answer.metadata).toMatchObject({ status_code: '504', error: expect.stringContaining('100 ms') });
    expect(service.failures.map(({ code }) => code)).toEqual([ResetCode.timeout]);
    // What its service says afterwards is for nobody.
    const [exchange] = service.exchanges;
    exchange?.sendHead({ status: 200, reason: '', headers: [] });
    exchange?.sendData(Buffer.from('late'));
    exchange?.sendEnd();
    exchange?.reset(ResetCode.localFailed);
    expect(link.inFlight).toBe(0);
    expect(link.answers.used).toBeLessThan(1000);
    await eventually(() => link.answers.used === 0 && link.requests.used === 0);
    expect(stream.messages.filter(({ type }) => type === 'RESPONSE')).toHaveLength(1);
  });

  it('takes tunnel.maxExchanges requests at a time: further ones are 503', async () => {
    await using setup = await connect({}, 2);
    const { service, stream } = setup;
    const running = [stream.request(), stream.request()];
    await eventually(() => service.exchanges.length === 2);
    expect((await stream.request()).metadata).toMatchObject({ status_code: '503' });
    for (const exchange of service.exchanges) {
      exchange.sendHead({ status: 200, reason: '', headers: [] });
      exchange.sendEnd();
    }
    for (const answer of running) expect((await answer).metadata).toMatchObject({ status_code: '200' });
  });
});
