import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { listening } from '@berth/testing';
import type { Log } from '@berth/observability';
import type { Attributes } from '@opentelemetry/api';
import { Tracer } from './tracer.js';
import { TracingSettings } from './tracing.settings.js';

/** A tracer with one span that waits to be sent. */
function withSpan(port: number, more: Partial<TracingSettings> = {}): { tracer: Tracer; reasons: unknown[] } {
  const endpoint = `http://127.0.0.1:${port}`;
  const settings = Object.assign(new TracingSettings(), { endpoint, shutdownTimeoutMs: 50, ...more });
  const reasons: unknown[] = [];
  const log = { warn: ({ reason }: { reason: unknown }) => reasons.push(reason) } as unknown as Log;
  const tracer = new Tracer(settings, { name: 'test', version: '1', instance: 'i' }, log);
  addSpan(tracer);
  return { tracer, reasons };
}

function addSpan(tracer: Tracer): void {
  tracer.begin('span', 'server', () => ({}), undefined)?.end();
}

/** Those that keep a process. */
const timers = (): number => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;

describe('a tracer', () => {
  // Less than the 10 s of an export, which would keep the process otherwise.
  const HOLD_MS = 8000;

  it(
    'lets a process end when its collector says nothing',
    async () => {
      await using collector = await listening(createTcpServer());
      const connected = once(collector.server, 'connection') as Promise<[Socket]>;
      const before = timers();
      const { tracer, reasons } = withSpan(collector.port);
      const ended = tracer.shutdown();
      const [socket] = await connected;
      const closed = once(socket.resume(), 'close');
      await ended;
      await closed;
      expect([tracer.figures.failed, reasons]).toEqual([1, ['the process ends']]);
      expect(timers()).toBeLessThanOrEqual(before);
    },
    HOLD_MS,
  );

  it(
    'lets a process end when its collector is away',
    async () => {
      const { port, close } = await listening(createTcpServer());
      await close();
      const before = timers();
      const { tracer, reasons } = withSpan(port);
      await tracer.shutdown();
      expect([tracer.figures.failed, reasons]).toEqual([1, [expect.stringContaining('ECONNREFUSED')]]);
      expect(timers()).toBeLessThanOrEqual(before);
    },
    HOLD_MS,
  );

  it('sends what waits, and what is under way, before a process ends', async () => {
    let requests = 0;
    await using collector = await listening(
      createServer((request, response) => {
        requests += 1;
        request.resume().on('end', () => setImmediate(() => response.end()));
      }),
    );
    const { tracer, reasons } = withSpan(collector.port, { shutdownTimeoutMs: 60_000, maxPerSecond: 10_000 });
    // A batch of 512 leaves at once.
    for (let i = 0; i < 600; i += 1) addSpan(tracer);
    await tracer.shutdown();
    expect([tracer.figures, reasons]).toEqual([{ exported: 601, failed: 0, dropped: 0 }, []]);
    expect(requests).toBe(2);
  });

  it('keeps 2,048 spans for a collector that says nothing, and counts those beyond', async () => {
    await using collector = await listening(createTcpServer());
    const { tracer } = withSpan(collector.port, { maxPerSecond: 10_000 });
    for (let i = 1; i < 2500; i += 1) addSpan(tracer);
    expect(tracer.figures.dropped).toBe(2500 - 2048);
    await tracer.shutdown();
    expect(tracer.figures).toEqual({ exported: 0, failed: 2048, dropped: 2500 - 2048 });
  });

  it('makes nothing of a span that is one too many in its second', () => {
    const { tracer } = withSpan(1, { maxPerSecond: 2 });
    let [begun, made] = [0, 0];
    const attributes = (): Attributes => ({ made: (made += 1) });
    for (let i = 0; i < 1000; i += 1) if (tracer.begin('x', 'server', attributes, undefined) !== undefined) begun += 1;
    expect(begun).toBeLessThan(1000);
    expect(made).toBe(begun);
  });
});
