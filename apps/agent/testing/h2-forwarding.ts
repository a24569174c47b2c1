import type { OpenHead } from '@berth/exchange';
import { LimitedLog, silentLog } from '@berth/observability';
import { disposable, eventually, h2Service, type H2Listener, type H2Service, owning } from '@berth/testing';
import { type AgentSettings, defaultAgentSettings } from '../src/agent-settings.js';
import { Forwarder } from '../src/forward/forwarder.js';
import { ExchangeRecorder } from './exchange-recorder.js';

/** A forwarder before a service of HTTP/2. */
export interface H2Forwarding extends AsyncDisposable {
  service: H2Service;
  forwarder: Forwarder;
  ask(open?: Partial<OpenHead>, body?: string | Buffer): ExchangeRecorder;
}

/** @param maxConcurrentStreams that the service allows */
export async function forwarding(
  listener: H2Listener,
  local: Partial<AgentSettings['local']> = {},
  maxConcurrentStreams = 100,
): Promise<H2Forwarding> {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(await h2Service(listener, { settings: { maxConcurrentStreams } }));
  const settings = defaultAgentSettings({
    target: `h2c://127.0.0.1:${service.port}`,
    id: 'a',
    local: { maxConnections: 8, ...local },
  });
  const forwarder = stack.use(
    disposable(new Forwarder(settings, new LimitedLog(silentLog)), (it) => {
      void it.close();
    }),
  );
  const ask: H2Forwarding['ask'] = (open = {}, body) => {
    const recorder = new ExchangeRecorder({ ...open, body: body !== undefined });
    const sink = forwarder.forward(recorder.exchange);
    recorder.sink = sink;
    if (body !== undefined) {
      sink.data(Buffer.from(body));
      sink.end(undefined);
    }
    return recorder;
  };
  return owning({ service, forwarder, ask }, stack);
}

/** What came of an exchange, once that is over. */
export async function over(recorder: ExchangeRecorder): Promise<string[]> {
  await eventually(() => recorder.calls.some((call) => call === 'end' || call.startsWith('reset')));
  return recorder.calls;
}

/** The shortest answer that there is. */
export const answer: H2Listener = (stream) => {
  stream.respond({ ':status': 200 });
  stream.end();
};
