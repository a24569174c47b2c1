import { type OpenHead, ResetCode } from '@berth/exchange';
import type { TracedSpan } from '@berth/tracing';
import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { handlerContext } from '../../../testing/handler-context.js';
import type { GatewayTracing } from '../../tracing/index.js';
import { retry } from './retry.js';
import { tracing } from './tracing.js';

type Attributes = Record<string, string | number>;

/** Writes down what it is told. */
class FakeSpan implements TracedSpan {
  readonly traceId = 'trace';
  readonly events: string[] = [];
  readonly ends: (string | undefined)[] = [];
  set(): void {
    // Looked at in test/traces.spec.ts.
  }
  event(name: string, attributes: object = {}): void {
    this.events.push([name, ...Object.values(attributes).map(String)].join(' '));
  }
  passOn(headers: string[]): string[] {
    return [...headers, 'traceparent', 'here'];
  }
  end(error?: string): void {
    this.ends.push(error);
  }
}

describe('the span of an exchange', () => {
  const traced = (enabled = true, meant = true) => {
    const [pool, client, context, span] = [new FakePool(), new FakeClient(), handlerContext(), new FakeSpan()];
    const seen: Attributes = {};
    const traces = {
      enabled,
      begin: (_name: string, _headers: string[], attributes: () => Attributes) => {
        Object.assign(seen, attributes());
        return meant ? span : undefined;
      },
    } as unknown as GatewayTracing;
    const handler = tracing(context.service, traces);
    const again = retry(context)?.(pool.dispatch) ?? pool.dispatch;
    const begin = (head: Partial<OpenHead> = {}): void => {
      const request = fakeRequest();
      handler?.(again)({ ...request, openHead: { ...request.openHead, ...head } }, client);
    };
    return { pool, client, span, handler, seen, begin };
  };

  it('tells of a second try, which leads to the same span', () => {
    const { begin, client, pool, span } = traced();
    begin();
    pool.last.sink.failed({ code: 'connection-lost', message: 'gone' });
    pool.last.sink.head({ status: 204, reason: '', headers: [] });
    pool.last.sink.end(undefined);
    client.exchange.discard();
    client.exchange.discard();
    expect(span.events).toEqual(['sent c1', 'retry c2', 'head']);
    expect(span.ends).toEqual([undefined]);
    for (const { openHead } of pool.requests)
      expect(openHead).toMatchObject({ headers: ['Host', 'a', 'traceparent', 'here'], traced: true });
  });

  it('tells why it was cut off', () => {
    const { begin, client, pool, span } = traced();
    begin();
    client.exchange.reset(ResetCode.cancelled, 'the client left');
    client.exchange.discard();
    expect([span.events, span.ends]).toEqual([['sent c1', 'cut_off client_disconnect'], [undefined]]);
    expect(pool.exchanges).toHaveLength(1);
  });

  it.each([
    ['/a?token=secret', '/a'],
    ['http://user:secret@a.example/x?y', '/x'],
    ['//user:secret@a.example/x', '//a.example/x'],
  ])('has the path of %s without query and password', (target, path) => {
    const { begin, seen } = traced();
    begin({ target });
    expect(seen['url.path']).toBe(path);
  });

  it('keeps what the gateway knows of the client', () => {
    const { client, handler, pool } = traced();
    const known = { peer: { remotePort: 4711 }, protocol: 'HTTP/2.0', requestId: 'r1' };
    handler?.(pool.dispatch)({ ...fakeRequest(), ...known }, client);
    expect(pool.requests[0]).toMatchObject({ ...known, clientAddress: '192.0.2.1' });
  });

  it('is none, and nothing stands in the way, where there are no traces', () => {
    expect(traced(false).handler).toBeUndefined();
    const { begin, client, pool } = traced(true, false);
    begin();
    expect(pool.requests[0]).toEqual(fakeRequest());
    pool.last.sink.head({ status: 200, reason: '', headers: [] });
    expect(client.calls).toEqual(['opened', 'head 200']);
  });
});
