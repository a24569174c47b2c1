import { client, Method, Service, type ServiceClient, ServiceObject, Services, State } from 'berth-services';
import { eventually, owning } from '@berth/testing';
import { testAgent, testGateway } from '@berth/testing/system';

type GatewayOptions = NonNullable<Parameters<typeof testGateway>[0]>;
let runs = 0;

@Service('Tally', { package: 'test' })
class Tally extends ServiceObject {
  @State() sum: number = 0;

  @Method() add(amount: number): number {
    this.sum += amount;
    return this.sum;
  }
  @Method({ stateless: true, delivery: 'at-least-once' }) once(): number {
    return (runs += 1);
  }
  @Method({ stateless: true }) size(text: string): number {
    return text.length;
  }
  @Method({ stateless: true }) never(): Promise<void> {
    runs += 1;
    return new Promise(() => undefined);
  }
}

interface Lab extends AsyncDisposable {
  services: Services;
  tallies: ServiceClient<Tally>;
  port: number;
}

/** A client at the port of an agent beside a function server. */
async function lab(ingress: GatewayOptions['ingress'] = {}): Promise<Lab> {
  runs = 0;
  await using stack = new AsyncDisposableStack();
  const services = stack.adopt(new Services({ services: [Tally], server: { stopTimeoutMs: 0 } }), (it) => it.close());
  await services.startServer({ port: 0 });
  const { port = 0 } = services.getServerInfo();
  const gateway = stack.use(await testGateway({ ingress: { http2: { clear: true }, ...ingress } }));
  const agent = stack.use(await testAgent(gateway, `h2c://127.0.0.1:${port}`));
  const tallies = stack.adopt(client(Tally, { address: `127.0.0.1:${agent.port}` }), (it) => it.close());
  return owning({ services, tallies, port }, stack);
}

describe('the typed client at the port of an agent', () => {
  it('keeps the state of objects, and learns their errors', async () => {
    await using it = await lab();
    expect([await it.tallies.object('a').add(1), await it.tallies.object('a').add(2)]).toEqual([1, 3]);
    await expect(it.tallies.object('a').add('x' as never)).rejects.toMatchObject({ status: 'INVALID_REQUEST' });
  });

  it('knows of a call that the gateway could not hand over that it was not run', async () => {
    await using it = await lab();
    await it.services.stopServer();
    await expect(it.tallies.size('x')).rejects.toMatchObject({
      code: 'BERTH_SERVICE_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining('BERTH_LOCAL_SERVICE_UNREACHABLE'),
    });
    const waits = it.tallies.once();
    await it.services.startServer({ port: it.port });
    expect(await waits).toBe(1);
  });

  it('learns that a call is too large for the port', async () => {
    await using it = await lab({ maxBodyBytes: 64 * 1024 });
    expect(await it.tallies.size('x'.repeat(60 * 1024))).toBe(60 * 1024);
    await expect(it.tallies.size('x'.repeat(70 * 1024))).rejects.toMatchObject({
      code: 'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
      message: expect.stringContaining('BERTH_BODY_TOO_LARGE'),
    });
  });

  it('does not know the outcome of a call that the gateway gave up', async () => {
    await using it = await lab({ responseTimeoutMs: 500 });
    const failure = expect(it.tallies.never()).rejects.toMatchObject({
      code: 'BERTH_SERVICE_OUTCOME_UNKNOWN',
      message: expect.stringContaining('BERTH_RESPONSE_TIMEOUT'),
    });
    await eventually(() => runs === 1);
    await failure;
  });
});
