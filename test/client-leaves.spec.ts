import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { owning, eventually, RawClient, settled } from '@berth/testing';
import { agentDetail, idle, type Relay, type RelayOptions, relayToListener } from '@berth/testing/system';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst bytes';
/** Within this time the local service must know, ms: beyond a busy machine's pauses, and far below all timeouts (30 s and up). */
const SOON = 5000;

type Exchanged = [IncomingMessage, ServerResponse];

describe('A9: a client that leaves', () => {
  async function setUp(options?: RelayOptions): Promise<{ relay: Relay; arrived: Exchanged[] } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const arrived: Exchanged[] = [];
    const relay = stack.use(
      await relayToListener((request, response) => {
        request.on('error', () => undefined);
        arrived.push([request, response]);
      }, options),
    );
    return owning({ relay, arrived }, stack);
  }

  /** The local service has got the request of a client that now leaves; its socket must close soon. */
  async function abandoned(
    { relay, arrived }: Awaited<ReturnType<typeof setUp>>,
    bytes: string,
    leave: (client: RawClient) => void,
    before: (exchanged: Exchanged, client: RawClient) => unknown = () => undefined,
  ): Promise<void> {
    const count = arrived.length;
    using client = await RawClient.connect(relay.port);
    client.send(bytes);
    const exchanged = await eventually(() => arrived[count]);
    await before(exchanged, client);
    const closed = once(exchanged[1], 'close');
    const left = performance.now();
    leave(client);
    await closed;
    expect(performance.now() - left).toBeLessThan(SOON);
    expect(exchanged[1].writableFinished).toBe(false);
    await idle(relay.gateway);
  }

  it.each([
    ['FIN by close', (it: RawClient) => it.socket.destroy()],
    ['RST', (it: RawClient) => it.socket.resetAndDestroy()],
  ])('%s: a request that waits for its answer is aborted at the local service', async (_name, leave) => {
    await using stack = new AsyncDisposableStack();
    await abandoned(stack.use(await setUp()), GET, leave);
  });

  it.each([
    ['FIN by close', (it: RawClient) => it.socket.destroy()],
    ['RST', (it: RawClient) => it.socket.resetAndDestroy()],
  ])('%s in the middle of an upload', async (_name, leave) => {
    await using stack = new AsyncDisposableStack();
    await abandoned(stack.use(await setUp()), POST, leave, ([request]) => once(request, 'data'));
  });

  it('in the middle of a chunked upload over node:http', async () => {
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n';
    await using stack = new AsyncDisposableStack();
    await abandoned(stack.use(await setUp()), head, (it) => it.socket.destroy());
  });

  it('while an event stream runs, busy or quiet', async () => {
    const stream = ([, response]: Exchanged, client: RawClient): Promise<unknown> => {
      response.write('event 1\n');
      return eventually(() => client.text().includes('event 1'));
    };
    await using stack = new AsyncDisposableStack();
    const set = stack.use(await setUp());
    await abandoned(set, GET, (it) => it.socket.destroy(), stream);
    await abandoned(set, GET, (it) => it.socket.resetAndDestroy(), stream);
    await abandoned(
      set,
      GET,
      (it) => it.socket.destroy(),
      async (exchanged, client) => {
        await stream(exchanged, client);
        const timer = setInterval(() => exchanged[1].write('more\n'), 5);
        exchanged[1].on('close', () => {
          clearInterval(timer);
        });
      },
    );
  });

  it('with answers it has not read', async () => {
    await using stack = new AsyncDisposableStack();
    await abandoned(
      stack.use(await setUp()),
      GET,
      (it) => it.socket.resetAndDestroy(),
      async ([, response], client) => {
        client.socket.pause();
        const chunk = Buffer.alloc(65_536);
        while (response.write(chunk));
        await eventually(() => client.socket.bytesRead > 0);
      },
    );
  });

  it('one that only closed its half gets its answer, long or slow', async () => {
    await using setup = await setUp({ gateway: { ingress: { halfCloseGraceMs: 5000 } } });
    const { relay, arrived } = setup;
    using client = await RawClient.connect(relay.port);
    client.send(GET);
    client.socket.end();
    const [, response] = await eventually(() => arrived[0]);
    // The gateway has seen the FIN when it answers something sent later.
    await agentDetail(relay.gateway);
    const body = 'x'.repeat(3_000_000);
    response.write(body);
    await eventually(() => client.text().length > body.length);
    response.end('the end');
    await eventually(() => client.ended);
    expect(client.text()).toMatch(/the end\r\n0\r\n\r\n$/);
  });

  it('one that closed its half and reads slowly is there, however long nothing could be written', async () => {
    await using setup = await setUp({ gateway: { ingress: { halfCloseGraceMs: 100 } } });
    const { relay, arrived } = setup;
    using client = await RawClient.connect(relay.port);
    client.send(GET);
    const [, response] = await eventually(() => arrived[0]);
    const body = Buffer.alloc(12 * 1024 * 1024, 'x');
    client.socket.pause();
    response.end(body);
    // The gateway has more than it can write: nothing comes of the agent any more, and it is not the answer that is slow.
    await settled(async () => (await agentDetail(relay.gateway)).bytes_out);
    client.socket.end();
    await sleep(400);
    client.socket.resume();
    await eventually(() => client.ended);
    expect(client.text().match(/x/g)).toHaveLength(body.length);
  });

  it('one that closed its half counts as gone after ingress.halfCloseGraceMs without an answer', async () => {
    await using stack = new AsyncDisposableStack();
    const set = stack.use(await setUp({ gateway: { ingress: { halfCloseGraceMs: 200 } } }));
    await abandoned(set, GET, (it) => it.socket.end());
  });

  it('requests that wait behind an abandoned one never reach the local service', async () => {
    await using stack = new AsyncDisposableStack();
    const set = stack.use(await setUp());
    await abandoned(set, GET + GET.replace('/', '/second'), (it) => it.socket.destroy());
    expect(set.arrived).toHaveLength(1);
  });

  it('5,000 abandoned requests leave the tunnel as it was', async () => {
    let answered = 0;
    await using relay = await relayToListener(
      (request, response) => {
        if (request.url === '/answer') response.end('ok');
        else response.on('close', () => (answered += 1));
      },
      { gateway: { ingress: { halfCloseGraceMs: 10 } }, agent: { tunnel: { maxExchanges: 10_000 } } },
    );
    const before = await agentDetail(relay.gateway);
    const hundred = async (): Promise<void> => {
      for (let i = 0; i < 100; i += 1) {
        const client = await RawClient.connect(relay.port);
        client.send(GET);
        // Some leave at once, some when their request is at the local service.
        if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        if (i % 4 === 0) client.socket.resetAndDestroy();
        else client.destroy();
      }
    };
    await Promise.all(Array.from({ length: 50 }, hundred));
    // The last of them may still wait to be accepted, one in each turn of the event loop: on a busy machine that takes long.
    const after = await idle(relay.gateway, 60_000);
    expect(after.connection_list.map((it) => it.connection_id)).toEqual(
      before.connection_list.map((it) => it.connection_id),
    );
    expect(await (await fetch(`${relay.agent.url}/answer`)).text()).toBe('ok');
    expect(answered).toBeGreaterThan(0);
    expect(relay.agent.client.inFlight).toBe(0);
  }, 120_000);
});
