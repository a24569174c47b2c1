import { setImmediate as turn } from 'node:timers/promises';
import { BerthError } from '@berth/errors';
import { ExchangeKind, ResetCode } from '@berth/exchange';
import { fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { block, FakeJudge, gate, inspectionLab, type Said } from '../../../testing/inspection-lab.js';

const OK = { status: 200, reason: 'OK', headers: ['A', '1'] };
const bytes = (text: string): Buffer => Buffer.from(text);

/** As {@link FakeClient} writes it down, without the date that Berth adds. */
const withoutDate = (calls: readonly string[]): string[] => calls.map((call) => call.replace(/ Date .* GMT$/, ''));

describe('C22: exchanges under the eyes of policy agents', () => {
  it('need no handler where there are no agents, and pass those that they do not concern', () => {
    const judge = new FakeJudge(['requestHeaders']);
    judge.concerned = false;
    const { begin, client, pool } = inspectionLab([judge]);
    begin();
    expect(pool.last.sink).toBe(client);
    judge.concerned = true;
    begin({ kind: ExchangeKind.tcp });
    expect([pool.last.sink, judge.asked]).toEqual([client, []]);
  });

  it('are shown with the port of their client and its TLS, as far as they are known', async () => {
    const judge = new FakeJudge(['requestHeaders']);
    const { dispatch, client } = inspectionLab([judge]);
    dispatch({ ...fakeRequest(), peer: { remotePort: 4711, getProtocol: () => 'TLSv1.3' } }, client);
    dispatch({ ...fakeRequest(), peer: { remotePort: 4711 } }, client);
    dispatch(fakeRequest(), client);
    await turn();
    const said = judge.asked.map((event) => event.kind === 'requestHeaders' && event.metadata);
    expect(said.map((one) => one && [one.clientPort, one.tlsVersion])).toEqual([
      [4711, 'TLSv1.3'],
      [4711, undefined],
      [0, undefined],
    ]);
  });

  it('are opened when the head was allowed, and nothing is asked that the agent does not support', async () => {
    const judge = new FakeJudge(['requestHeaders', 'requestComplete']);
    const { begin, client, judged, pool } = inspectionLab([judge]);
    begin({ method: 'POST', target: '/a?b=c', body: true, headers: ['Host', 'h', 'Traceparent', 't'] });
    expect(pool.requests).toEqual([]);
    await turn();
    expect(judge.asked).toMatchObject([
      {
        kind: 'requestHeaders',
        metadata: { clientIp: '192.0.2.1', serverName: 'h', routeId: 'a1', traceparent: 't', timestampMs: 1000 },
        method: 'POST',
        uri: '/a?b=c',
        httpVersion: 'HTTP/1.1',
      },
    ]);
    client.exchange.sendData(bytes('abc'));
    client.exchange.sendEnd();
    pool.last.sink.head(OK);
    pool.last.sink.data(bytes('de'));
    pool.last.sink.end(['T', '1']);
    client.exchange.discard();
    expect(client.calls).toEqual(['opened', 'head 200 A 1', 'data de', 'end']);
    expect(pool.last.calls).toEqual(['data abc', 'end', 'consumed 2', 'discard']);
    expect(judge.completes).toMatchObject([{ status: 200, bytesReceived: 3, bytesSent: 2, upstream: 'a1' }]);
    expect(judged).toMatchObject([{ agentName: 'waf', event: 'requestHeaders', decision: 'allow', path: '/a' }]);
  });

  it.each<[string, Said, string]>([
    ['a block', block(451, 'no'), 'head 451 Content-Type text/plain; charset=utf-8 Content-Length 2'],
    [
      'a block with headers, of which those that frame are Berth’s own',
      {
        decision: {
          kind: 'block',
          status: 403,
          body: '{}',
          headers: [
            ['Content-Type', 'application/json'],
            ['Content-Length', '9'],
          ],
        },
      },
      'head 403 Content-Type application/json Content-Length 2',
    ],
    [
      'a redirect',
      { decision: { kind: 'redirect', url: 'https://a/b', status: 302 } },
      'head 302 Location https://a/b Content-Length 0',
    ],
    [
      'a challenge that clients know',
      { decision: { kind: 'challenge', type: 'bearer', params: { realm: 'a "b"' } } },
      'head 401 WWW-Authenticate Bearer realm="a \\"b\\"" Content-Length 0',
    ],
    [
      'another challenge',
      { decision: { kind: 'challenge', type: 'captcha', params: { key: 'k' } } },
      'head 403 Berth-Challenge captcha key="k" Content-Type text/plain; charset=utf-8 Content-Length 44',
    ],
  ])('are answered with %s', async (_what, said, head) => {
    const judge = new FakeJudge(['requestHeaders', 'requestComplete'], () => said);
    const { begin, client, judged, pool } = inspectionLab([judge]);
    client.takes = false;
    begin({ method: 'HEAD' });
    await turn();
    expect([pool.requests, withoutDate(client.calls)]).toEqual([[], [head, 'end']]);
    expect(judge.told).toEqual([`end ${head.slice(5, 8)}`]);
    expect(judged).toMatchObject([{ status: Number(head.slice(5, 8)), skipped: false }]);
  });

  it.each<[string, Said]>([
    ['status 0', block(0)],
    ['status 1000', block(1000)],
    ['status 101', block(101)],
    ['a header with a line break', { requestHeaders: [{ op: 'set', name: 'X', value: 'a\r\nB: c' }] }],
    ['a header beyond Latin-1', { responseHeaders: [{ op: 'add', name: 'X', value: 'ž' }] }],
    ['a header of one hop', { requestHeaders: [{ op: 'remove', name: 'Connection' }] }],
    ['another length', { responseHeaders: [{ op: 'set', name: 'content-length', value: '3' }] }],
    ['no Host', { requestHeaders: [{ op: 'remove', name: 'host' }] }],
    ['a pseudo-header', { requestHeaders: [{ op: 'set', name: ':path', value: '/' }] }],
    ['a redirect without URL', { decision: { kind: 'redirect', url: '', status: 302 } }],
    ['a redirect to a script', { decision: { kind: 'redirect', url: 'javascript:alert(1)', status: 302 } }],
    ['a redirect to another host', { decision: { kind: 'redirect', url: '//a/b', status: 302 } }],
    ['a redirect that browsers take to another host', { decision: { kind: 'redirect', url: '/\\a/b', status: 302 } }],
    ['a status that is no whole number', { decision: { kind: 'block', status: 403.5, headers: [] } }],
    ['a redirect with a line break', { decision: { kind: 'redirect', url: '/a\nb', status: 302 } }],
    ['a redirect with status 200', { decision: { kind: 'redirect', url: '/', status: 200 } }],
    ['a challenge of no type', { decision: { kind: 'challenge', type: '', params: {} } }],
    [
      'a thousand headers',
      { requestHeaders: Array.from({ length: 1000 }, () => ({ op: 'remove', name: 'x' }) as const) },
    ],
  ])('go by the rule of an agent whose answer is of no use: %s', async (_what, said) => {
    for (const failsOpen of [false, true]) {
      const judge = new FakeJudge(['requestHeaders'], () => said);
      judge.failsOpen = failsOpen;
      const { begin, client, pool } = inspectionLab([judge]);
      begin();
      await turn();
      expect(judge.told[0]).toMatch(/^misjudged /);
      expect(client.calls).toEqual([failsOpen ? 'opened' : 'failed BERTH_POLICY_UNAVAILABLE']);
      if (failsOpen) expect(pool.requests[0]?.openHead.headers).toEqual(['Host', 'a']);
    }
  });

  it('are refused when an agent that fails closed cannot be asked', async () => {
    const away = new BerthError('BERTH_POLICY_UNAVAILABLE', 'away');
    const { begin, client, pool } = inspectionLab([new FakeJudge(['requestHeaders'], () => Promise.reject(away))]);
    begin();
    await turn();
    expect([pool.requests, client.calls]).toEqual([[], ['failed BERTH_POLICY_UNAVAILABLE']]);
  });

  it('are changed by one agent after the other, and the first that blocks ends it', async () => {
    const first = new FakeJudge(['requestHeaders'], () => ({
      requestHeaders: [
        { op: 'set', name: 'X-A', value: '1' },
        { op: 'set', name: 'Host', value: 'other' },
      ],
      responseHeaders: [{ op: 'remove', name: 'Server' }],
    }));
    const second = new FakeJudge(['requestHeaders'], () => ({
      requestHeaders: [{ op: 'add', name: 'X-A', value: '2' }],
    }));
    const { begin, client, pool } = inspectionLab([first, second]);
    begin();
    await turn();
    expect(second.asked).toMatchObject([{ headers: ['Host', 'other', 'X-A', '1'] }]);
    expect(pool.requests[0]?.openHead.headers).toEqual(['Host', 'other', 'X-A', '1', 'X-A', '2']);
    pool.last.sink.head({ ...OK, headers: ['Server', 's', 'B', '2'] });
    await turn();
    expect(client.calls).toEqual(['opened', 'head 200 B 2']);

    first.replies = () => block(418);
    begin();
    await turn();
    expect([client.calls[2]?.slice(0, 8), second.asked.length]).toEqual(['head 418', 1]);
  });

  it('are shown to all agents at once, and the first in their order that blocks decides', async () => {
    const { wait, open } = gate();
    const slow = new FakeJudge(['requestHeaders'], () => wait.then(() => block(401)), 'slow');
    const quick = new FakeJudge(['requestHeaders'], () => block(402), 'quick');
    const never = new FakeJudge(['requestHeaders'], () => new Promise(() => undefined), 'never');
    const { begin, client } = inspectionLab([slow, quick, never], { mode: 'parallel' });
    begin();
    await turn();
    expect([quick.asked.length, never.asked.length, client.calls]).toEqual([1, 1, []]);
    open();
    await turn();
    expect(client.calls[0]?.slice(0, 8)).toBe('head 401');
    expect(never.told).toEqual(['cancel blockedByAgent slow']);
  });

  it('show the head of the answer, which waits with what comes behind it', async () => {
    const { wait, open } = gate();
    const judge = new FakeJudge(['responseHeaders'], () =>
      wait.then(() => ({ responseHeaders: [{ op: 'set', name: 'A', value: '2' }] })),
    );
    const { begin, client, pool } = inspectionLab([judge]);
    begin();
    await turn();
    pool.last.sink.informational({ status: 103, headers: [] });
    pool.last.sink.head(OK);
    pool.last.sink.data(bytes('body'));
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls).toEqual(['opened', 'informational 103']);
    open();
    await turn();
    expect(client.calls.slice(2)).toEqual(['head 200 A 2', 'data body', 'end']);
    expect(pool.last.calls).toEqual(['consumed 4']);
  });

  it('have an answer in place of the service’s when its head is blocked', async () => {
    const judge = new FakeJudge(['responseHeaders', 'requestComplete'], () => block(502, 'x'));
    const { begin, client, pool } = inspectionLab([judge]);
    begin();
    await turn();
    pool.last.sink.head(OK);
    pool.last.sink.data(bytes('secret'));
    await turn();
    expect(pool.last.calls).toEqual([`reset ${ResetCode.cancelled}`]);
    expect(withoutDate(client.calls)).toEqual([
      'opened',
      'head 502 Content-Type text/plain; charset=utf-8 Content-Length 1',
      'data x',
      'end',
    ]);
    client.exchange.reset(ResetCode.cancelled);
    client.exchange.discard();
    expect(judge.told).toEqual(['end 502']);
  });

  it('tell their agents when the client leaves, at any time, and nobody hears of late answers', async () => {
    for (const kind of ['requestHeaders', 'responseHeaders'] as const) {
      const { wait, open } = gate();
      const judge = new FakeJudge([kind], () => wait.then(() => block()));
      const { begin, client, pool } = inspectionLab([judge]);
      begin();
      await turn();
      if (kind === 'requestHeaders') client.wait?.cancel();
      else {
        pool.last.sink.head(OK);
        client.exchange.reset(ResetCode.cancelled);
        client.exchange.discard();
      }
      open();
      await turn();
      expect([judge.told, client.calls]).toEqual([
        ['cancel clientDisconnect'],
        kind === 'requestHeaders' ? [] : ['opened'],
      ]);
    }
  });

  it('tell their agents when the service breaks off or the time is up', async () => {
    const judge = new FakeJudge(['requestHeaders', 'responseHeaders'], ({ kind }) =>
      kind === 'requestHeaders' ? undefined : new Promise(() => undefined),
    );
    const { begin, client, pool } = inspectionLab([judge]);
    begin();
    await turn();
    pool.last.sink.head(OK);
    pool.last.sink.failed({ code: 'connection-lost', message: '' });
    expect([client.calls, judge.told]).toEqual([['opened', 'failed connection-lost'], ['cancel upstreamError']]);

    begin();
    await turn();
    client.exchange.reset(ResetCode.timeout);
    client.exchange.discard();
    expect(judge.told[1]).toBe('cancel timeout');
  });

  it('cancel a place in the queue for the service, and the agents with it', async () => {
    const judge = new FakeJudge(['requestHeaders']);
    let cancelled = 0;
    const { begin, client } = inspectionLab([judge], {}, (_request, sink) => {
      sink.waiting({ cancel: () => void (cancelled += 1) });
    });
    begin();
    await turn();
    client.wait?.cancel();
    expect([cancelled, judge.told]).toEqual([1, ['cancel clientDisconnect']]);
  });

  it('leave answers that are Berth’s own alone', async () => {
    const judge = new FakeJudge(['requestHeaders', 'responseHeaders', 'responseBody']);
    const { begin, client } = inspectionLab([judge], {}, (_request, sink) => {
      sink.head(OK);
      sink.data(bytes('own'));
      sink.end(undefined);
    });
    client.takes = false;
    begin();
    await turn();
    expect([client.calls, judge.seen]).toEqual([['head 200 A 1', 'data own', 'end'], ['requestHeaders']]);
  });
});
