import { FakeClient, FakePool, fakeRequest } from '../testing/fake-dispatch.js';
import { composeHandlers, type DispatchSink, ExchangeDecorator, type ExchangeHandler, ResetCode } from './index.js';

class Named extends ExchangeDecorator {
  constructor(
    sink: DispatchSink,
    private readonly name: string,
    private readonly seen: string[],
  ) {
    super(sink);
  }

  override end(): void {
    this.seen.push(this.name);
    super.end(undefined);
  }
}

describe('handlers', () => {
  it('see requests in order and answers the other way round', () => {
    const seen: string[] = [];
    const named =
      (name: string): ExchangeHandler =>
      (next) =>
      (request, sink) => {
        seen.push(name);
        next(request, new Named(sink, name, seen));
      };
    const pool = new FakePool();
    composeHandlers([named('a'), named('b')], pool.dispatch)(fakeRequest(), new FakeClient());
    pool.last.sink.end(undefined);
    expect(seen).toEqual(['a', 'b', 'b', 'a']);
  });

  it('hand on what they do not change, both ways, and again after a second opening', () => {
    const client = new FakeClient();
    const pool = new FakePool();
    const sink = new ExchangeDecorator(client);
    pool.dispatch(fakeRequest(), sink);
    pool.dispatch(fakeRequest(), sink);
    const { exchange } = client;
    const { last } = pool;
    expect(exchange).toMatchObject({ id: 2, connection: { id: 'c2' }, openHead: last.openHead, pipe: false });
    expect([exchange.closed, exchange.sendEnded, exchange.headReceived, exchange.informationalCount]).toEqual([
      false,
      false,
      false,
      0,
    ]);
    sink.informational({ status: 103, headers: [] });
    sink.head({ status: 200, reason: '', headers: [] });
    sink.data(Buffer.from('x'));
    sink.writable();
    sink.progressed();
    sink.end(undefined);
    sink.failed({ code: ResetCode.internal, message: '' });
    sink.waiting({ cancel: () => undefined });
    const said = ['opened', 'opened', 'informational 103', 'head 200', 'data x', 'writable', 'end', 'failed 9'];
    expect(client.calls).toEqual(said);
    expect(client.wait).toBeDefined();
    last.hasRoom = false;
    expect(exchange.sendData(Buffer.from('y'))).toBe(false);
    exchange.sendEnd(['T', '1']);
    exchange.reset(ResetCode.cancelled);
    exchange.discard();
    expect(last.calls).toEqual(['consumed 1', 'data y', 'end T,1', 'reset 1', 'discard']);
  });
});
