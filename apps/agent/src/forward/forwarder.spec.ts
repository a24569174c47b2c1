import { defaultAgentSettings } from '../agent-settings.js';
import { LimitedLog, silentLog } from '@berth/observability';
import { eventually, rawRecorder, type RawRecorder } from '@berth/testing';
import { ExchangeRecorder } from '../../testing/exchange-recorder.js';
import { Forwarder } from './forwarder.js';

describe('Forwarder and kept connections', () => {
  let service: RawRecorder;
  let forwarder: Forwarder;

  beforeEach(async () => {
    service = await rawRecorder((connection) => {
      if (/\r\n\r\n(body)?$/.test(connection.text()))
        connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    forwarder = withKeepAlive(4000);
  });

  afterEach(async () => {
    await forwarder.close();
    await service.close();
  });

  function withKeepAlive(keepAliveMs: number): Forwarder {
    const local = { maxConnections: 8, keepAliveMs };
    const settings = defaultAgentSettings({ target: `http://127.0.0.1:${service.port}`, id: 'a', local });
    return new Forwarder(settings, new LimitedLog(silentLog));
  }

  function ask(method: string, body: string): ExchangeRecorder {
    const headers = ['Host', 'a', ...(body === '' ? [] : ['Content-Length', String(body.length)])];
    const recorder = new ExchangeRecorder({ method, headers, body: body !== '' });
    const sink = forwarder.forward(recorder.exchange);
    if (body !== '') {
      sink.data(Buffer.from(body));
      sink.end(undefined);
    }
    return recorder;
  }

  const answered = async (recorder: ExchangeRecorder): Promise<string[]> => {
    await eventually(() => recorder.calls.some((call) => call === 'end' || call.startsWith('reset')));
    return recorder.calls;
  };

  it('a POST of which nothing was sent is sent once more, on a new connection', async () => {
    await answered(ask('POST', 'body'));
    // undici looks at a kept connection once more and writes in an Immediate: this one comes right before.
    setImmediate(() => service.connections[0]?.socket.resetAndDestroy());
    expect(await answered(ask('POST', 'body'))).toEqual(['head 200', 'end']);
    expect(service.connections.map((connection) => connection.text().match(/POST/g)?.length)).toEqual([1, 1]);
  });

  it('a POST that was sent is not sent again, a GET is', async () => {
    await answered(ask('POST', 'body'));
    for (const { socket } of service.connections) {
      socket.removeAllListeners('data').once('data', () => socket.resetAndDestroy());
    }
    expect(await answered(ask('POST', 'body'))).toEqual([expect.stringMatching(/^reset: /)]);
    expect(service.connections.length).toBe(1);
    await answered(ask('GET', ''));
    const { socket } = service.connections[1] as { socket: (typeof service.connections)[0]['socket'] };
    socket.removeAllListeners('data').once('data', () => socket.resetAndDestroy());
    expect(await answered(ask('GET', ''))).toEqual(['head 200', 'end']);
    expect(service.connections.length).toBe(3);
  });

  it('with local.keepAliveMs 0 none is used twice, and the service is told', async () => {
    await forwarder.close();
    forwarder = withKeepAlive(0);
    for (let i = 0; i < 3; i += 1) expect(await answered(ask('POST', 'body'))).toEqual(['head 200', 'end']);
    expect(service.connections.length).toBe(3);
    for (const connection of service.connections) expect(connection.text()).toContain('connection: close\r\n');
  });

  it('one that was not used for local.keepAliveMs is closed', async () => {
    await forwarder.close();
    forwarder = withKeepAlive(50);
    await answered(ask('GET', ''));
    await eventually(() => service.connections[0]?.socket.readableEnded);
    expect(await answered(ask('GET', ''))).toEqual(['head 200', 'end']);
    expect(service.connections.length).toBe(2);
  });
});
