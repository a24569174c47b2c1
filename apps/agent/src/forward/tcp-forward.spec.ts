import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { LimitedLog, silentLog } from '@berth/observability';
import { type BodySink, ExchangeKind } from '@berth/exchange';
import { eventually, listening, type Listening } from '@berth/testing';
import { ExchangeRecorder } from '../../testing/exchange-recorder.js';
import { defaultAgentSettings, type AgentSettings } from '../agent-settings.js';
import { Forwarder } from './forwarder.js';

describe('a raw TCP exchange at the agent', () => {
  let service: Listening;
  let forwarder: Forwarder;

  beforeEach(async () => {
    service = await listening(createServer({ allowHalfOpen: true }));
    forwarder = forwarderTo(service.port);
  });
  afterEach(async () => {
    await forwarder.close();
    await service.close();
  });

  function forwarderTo(port: number, local: Partial<AgentSettings['local']> = {}): Forwarder {
    const settings = defaultAgentSettings({
      target: `tcp://127.0.0.1:${port}`,
      id: 'a',
      local: { maxConnections: 8, ...local },
    });
    return new Forwarder(settings, new LimitedLog(silentLog));
  }

  interface Begun {
    recorder: ExchangeRecorder;
    sink: BodySink;
    /** at the service; paused */
    socket: Socket;
    /** what its end was: `end` for a FIN, else the error */
    ends: string[];
  }

  async function begin(headers: string[] = []): Promise<Begun> {
    const accepted = once(service.server, 'connection') as Promise<[Socket]>;
    const recorder = new ExchangeRecorder({ kind: ExchangeKind.tcp, method: '', target: '', headers, body: true });
    const sink = forwarder.forward(recorder.exchange);
    const [socket] = await accepted;
    const ends: string[] = [];
    socket.on('end', () => ends.push('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''));
    await eventually(() => forwarder.figures.answered > 0);
    return { recorder, sink, socket, ends };
  }

  const first = async (socket: Socket): Promise<string> => {
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    return bytes.toString('latin1');
  };

  it('passes bytes both ways, and halves end on their own', async () => {
    const { recorder, sink, socket, ends } = await begin();
    sink.data(Buffer.from('you'));
    expect(await first(socket)).toBe('you');
    sink.end(undefined);
    await eventually(() => ends[0] === 'end');
    socket.write('hello');
    await eventually(() => recorder.calls.includes('data 5'));
    socket.end();
    await eventually(() => recorder.calls.includes('end'));
    await eventually(() => forwarder.pool.inUse === 0);
    expect(recorder.calls).toEqual(['data 5', 'end']);
  });

  it('the service may end first', async () => {
    const { recorder, sink, socket } = await begin();
    socket.end();
    await eventually(() => recorder.calls.includes('end'));
    sink.data(Buffer.from('still'));
    expect(await first(socket)).toBe('still');
    sink.end(undefined);
    await eventually(() => forwarder.pool.inUse === 0);
    expect(recorder.calls).toEqual(['end']);
  });

  it('a reset of the service is one of the exchange', async () => {
    const { recorder, socket } = await begin();
    socket.resetAndDestroy();
    await eventually(() => recorder.calls.length > 0);
    expect(recorder.calls).toEqual([expect.stringMatching(/^reset: .*ECONNRESET/)]);
  });

  it('a reset of the exchange is one at the service', async () => {
    const { sink, socket, ends } = await begin();
    socket.resume();
    sink.failed({ code: 'connection-lost', message: '' });
    await eventually(() => ends.length > 0);
    expect(ends).toEqual(['ECONNRESET']);
    await eventually(() => forwarder.pool.inUse === 0);
  });

  it('a service that ended and takes nothing more: what it sent leaves first, then the client is told', async () => {
    const { recorder, sink, socket } = await begin();
    socket.end('last');
    await eventually(() => recorder.calls.includes('end'));
    socket.destroy();
    await eventually(() => {
      sink.data(Buffer.from('more'));
      return forwarder.pool.inUse === 0;
    });
    // The end still waits for credit.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(recorder.calls).toEqual(['data 4', 'end']);
    recorder.sendEnded = true;
    await eventually(() => recorder.calls.length === 3);
    expect(recorder.calls[2]).toMatch(/^reset: /);
  });

  it('a service that is away is named as that, and looked after', async () => {
    await service.close();
    let unreachable = 0;
    forwarder.unreachable = () => (unreachable += 1);
    const recorder = new ExchangeRecorder({ kind: ExchangeKind.tcp, body: true });
    forwarder.forward(recorder.exchange);
    await eventually(() => recorder.calls.length > 0);
    expect([recorder.calls, unreachable]).toEqual([['reset: it refuses connections'], 1]);
    service = await listening(createServer());
  });

  it('waits for one of local.maxConnections, and keeps what the client sends meanwhile', async () => {
    await forwarder.close();
    forwarder = forwarderTo(service.port, { maxConnections: 1 });
    const one = await begin();
    const accepted = once(service.server, 'connection') as Promise<[Socket]>;
    const second = new ExchangeRecorder({ kind: ExchangeKind.tcp, body: true });
    const sink = forwarder.forward(second.exchange);
    sink.data(Buffer.from('early'));
    expect(forwarder.pool.queued).toBe(1);
    one.sink.failed({ code: 'connection-lost', message: '' });
    const [socket] = await accepted;
    expect(await first(socket)).toBe('early');
  });

  it('tells the service who the client is where it wants to know', async () => {
    await forwarder.close();
    forwarder = forwarderTo(service.port, { proxyProtocol: 'v2' });
    const { socket, sink } = await begin(['Forwarded', 'for="192.0.2.1:4711";by="198.51.100.7:8101"']);
    sink.data(Buffer.from('you'));
    await eventually(() => socket.readableLength === 31);
    const bytes = socket.read() as Buffer;
    expect([bytes.toString('latin1', 0, 4), bytes.subarray(16, 20), String(bytes.subarray(28))]).toEqual([
      '\r\n\r\n',
      Buffer.from([192, 0, 2, 1]),
      'you',
    ]);
  });

  it('is refused by an HTTP service, and HTTP by a raw one', () => {
    const http = new ExchangeRecorder({});
    forwarder.forward(http.exchange);
    expect(http.calls).toEqual(['reset: it is for raw TCP, not for HTTP']);
    const settings = defaultAgentSettings({ target: 'http://127.0.0.1:1', id: 'a', local: { maxConnections: 1 } });
    const other = new Forwarder(settings, new LimitedLog(silentLog));
    const raw = new ExchangeRecorder({ kind: ExchangeKind.tcp });
    other.forward(raw.exchange);
    expect(raw.calls).toEqual(['reset: it is for HTTP, not for raw TCP']);
  });
});
