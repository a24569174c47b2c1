import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually, freePortRange, RawClient } from '@berth/testing';
import { ResetCode } from '@berth/exchange';
import { PooledTcpServer } from '@berth/http-server-pool';
import { silentLog } from '@berth/observability';
import { type FakeExchange } from '../../../../../libs/exchange/testing/fake-exchange.js';
import { FakePool } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { handlerContext } from '../../../testing/handler-context.js';
import { PipeLog } from './pipe-log.js';
import type { TcpContext } from './tcp-context.js';
import { relayTcp } from './tcp-relay.js';

describe('the relay of a TCP connection', () => {
  let pool: FakePool;
  let context: TcpContext;
  let server: PooledTcpServer;
  let accepted: Socket | undefined;
  let port: number;
  const clients: RawClient[] = [];

  beforeEach(async () => {
    pool = new FakePool();
    const exchanges = handlerContext();
    context = { ...exchanges, pipeLog: new PipeLog(silentLog, exchanges.service), dispatch: pool.dispatch };
    port = (await freePortRange(1)).start;
    server = new PooledTcpServer('tcp', { host: '127.0.0.1', port }, (socket) => {
      accepted = socket;
      socket.on('error', () => undefined);
      relayTcp(context, socket);
    });
    await server.start();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await server.stop(0);
  });

  /** A client, and what became of its end: `end` for a FIN, else the error. */
  async function connected(): Promise<{ client: RawClient; exchange: FakeExchange; ends: string[] }> {
    const before = pool.exchanges.length;
    const client = await RawClient.connect(port);
    clients.push(client);
    const ends: string[] = [];
    client.socket.on('end', () => ends.push('end'));
    client.socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''));
    await eventually(() => pool.exchanges.length === before + 1);
    return { client, exchange: pool.last, ends };
  }

  it('opens an exchange at once, which says who connected where, and passes bytes both ways', async () => {
    const { client, exchange } = await connected();
    const from = (client.socket.address() as { port: number }).port;
    expect(exchange.openHead).toEqual({
      kind: 2,
      method: '',
      target: '',
      headers: ['Forwarded', `for="127.0.0.1:${from}";by="127.0.0.1:${port}"`],
      body: true,
      service: '',
    });
    exchange.sink.data(Buffer.from('hello'));
    await eventually(() => client.text() === 'hello');
    client.send('you');
    await eventually(() => exchange.calls.includes('data you'));
    expect(exchange.calls).toEqual(['consumed 5', 'data you']);
  });

  it('reads no more of a client while the exchange has no room', async () => {
    const { client, exchange } = await connected();
    exchange.hasRoom = false;
    client.send('one');
    await eventually(() => exchange.calls.length === 1);
    client.send('two');
    expect(accepted?.isPaused()).toBe(true);
    expect(exchange.calls).toEqual(['data one']);
    exchange.sink.writable();
    await eventually(() => exchange.calls.length === 2);
  });

  it('ends the halves on their own, in either order', async () => {
    const one = await connected();
    one.client.socket.end();
    await eventually(() => one.exchange.calls.includes('end'));
    one.exchange.sink.data(Buffer.from('still'));
    await eventually(() => one.client.text() === 'still');
    one.exchange.sink.end(undefined);
    await eventually(() => one.exchange.calls.includes('discard'));
    expect(one.ends).toEqual(['end']);
    // What the client sent last may still be on its way.
    expect(one.exchange.calls).not.toContain(`reset ${ResetCode.cancelled}`);

    const two = await connected();
    two.exchange.sink.end(undefined);
    await eventually(() => two.client.ended);
    two.client.send('still');
    await eventually(() => two.exchange.calls.includes('data still'));
  });

  it('resets the exchange of a client that reset its connection', async () => {
    const { client, exchange } = await connected();
    client.socket.resetAndDestroy();
    await eventually(() => exchange.calls.includes('discard'));
    expect(exchange.calls).toContain(`reset ${ResetCode.cancelled}`);
  });

  it('resets the connection of an exchange that failed, and counts why', async () => {
    const { exchange, ends } = await connected();
    exchange.sink.failed({ code: 'connection-lost', message: '' });
    await eventually(() => ends.length > 0);
    expect(ends).toEqual(['ECONNRESET']);
    expect([...context.service.stats.errorCodes]).toEqual([['BERTH_AGENT_LOST', 1]]);
  });

  it('resets the connection when there is no exchange to be had', async () => {
    pool.failure = { code: ResetCode.refused, message: '' };
    // It may come as early as in place of the connection.
    const [error] = (await once(connect(port, '127.0.0.1'), 'error').catch((thrown: unknown) => [thrown])) as [
      NodeJS.ErrnoException,
    ];
    expect(error.code).toBe('ECONNRESET');
    expect([...context.service.stats.errorCodes]).toEqual([['BERTH_AGENT_BUSY', 1]]);
  });

  it('after the end of the service a failure costs the client none of its bytes; what it sends then is reset', async () => {
    const { client, exchange, ends } = await connected();
    client.socket.pause();
    const last = Buffer.alloc(4 * 1024 * 1024, 'x');
    for (let at = 0; at < last.length; at += 65_536) exchange.sink.data(last.subarray(at, at + 65_536));
    exchange.sink.end(undefined);
    exchange.sink.failed({ code: ResetCode.localFailed, message: '' });
    client.socket.resume();
    await eventually(() => client.ended);
    expect(client.text().length).toBe(last.length);
    await eventually(() => exchange.calls.includes('discard'));
    // A socket at its end is not read any more: the reset shows when the next bytes are written.
    await eventually(() => {
      client.send('more');
      return client.closed;
    });
    expect(ends[0]).toBe('end');
    expect(ends[1]).toMatch(/ECONNRESET|EPIPE/);
  });

  it('gives up the wait of a client that left', async () => {
    let cancelled = 0;
    context = {
      ...context,
      dispatch: (_request, sink) => {
        sink.waiting({ cancel: () => (cancelled += 1) });
      },
    };
    const client = await RawClient.connect(port);
    client.socket.resetAndDestroy();
    await eventually(() => cancelled === 1);
  });

  it('refuses an answer of HTTP, which only a rule can have given', async () => {
    const { exchange, ends } = await connected();
    exchange.sink.head({ status: 403, reason: '', headers: [] });
    await eventually(() => ends.length > 0);
    expect(ends).toEqual(['ECONNRESET']);
    expect(exchange.calls[0]).toBe(`reset ${ResetCode.internal}`);
  });

  it('stops: takes nobody any more, lets pipes run for the grace, then resets them', async () => {
    const { client, exchange, ends } = await connected();
    const stopped = server.stop(200);
    await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED');
    exchange.sink.data(Buffer.from('goes on'));
    await eventually(() => client.text() === 'goes on');
    expect(ends).toEqual([]);
    await stopped;
    await eventually(() => ends.length > 0);
    expect(ends).toEqual(['ECONNRESET']);
    expect(server.running).toBe(false);
  });

  it('says that its port is held by another program, and when its server ends by itself', async () => {
    const second = new PooledTcpServer('tcp', { host: '127.0.0.1', port }, () => undefined);
    await expect(second.start()).rejects.toMatchObject({
      code: 'BERTH_SERVER_START_FAILED',
      cause: { code: 'EADDRINUSE' },
    });
    let lost = 0;
    server.onLost = () => (lost += 1);
    server.server.close();
    await eventually(() => lost === 1);
    expect([server.running, server.startedAt]).toEqual([false, undefined]);
  });
});
