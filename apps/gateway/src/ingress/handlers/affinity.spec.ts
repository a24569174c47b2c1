import { jest } from '@jest/globals';
import { poolDispatch } from '@berth/agent-pool';
import { type ExchangeRequest, ExchangeKind, type ResponseHead } from '@berth/exchange';
import { type FakeConnection, fakeReplica } from '../../../../../libs/agent-pool/testing/fake-connection.js';
import { FakeClient, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { handlerContext } from '../../../testing/handler-context.js';
import { Agent, LocalService } from '../../agents/index.js';
import { AffinitySettings } from '../affinity.settings.js';
import { affinity } from './affinity.js';

const NAMES = ['a', 'b', 'c'];
const OK: ResponseHead = { status: 200, reason: 'OK', headers: ['X', '1'] };

/** An agent with three replicas, and its handler. */
function make(over: Partial<AffinitySettings>, shared = true, scheme = 'http') {
  const settings = Object.assign(new AffinitySettings(), { reportHeader: true, ...over });
  const agent = new Agent('web-1', 'a', shared);
  const service = new LocalService(agent, 'default', 'http', { strategy: 'roundRobin', slowStartMs: 0 });
  Object.assign(service, { port: 8100, scheme });
  const replicas = NAMES.map((name) => fakeReplica(name));
  for (const replica of replicas) service.connections.add(replica);
  const { connections: pool } = service;
  const handler = affinity({ ...handlerContext({ affinity: settings }), service });
  const dispatch = handler?.(poolDispatch(pool, service.admission));

  /** One request, answered: where it went, and what its client and its service saw. */
  function ask(headers: string[] = [], over: Partial<ExchangeRequest> = {}) {
    const client = new FakeClient();
    const heads: ResponseHead[] = [];
    client.head = (head) => void heads.push(head);
    const request = fakeRequest({ headers: ['Host', 'h', ...headers] });
    dispatch?.({ openHead: request.openHead, clientAddress: request.clientAddress, ...over }, client);
    const served = client.exchange.connection as FakeConnection;
    const opened = served.opened.at(-1);
    opened?.sink.head(OK);
    const [head] = heads;
    const field = (name: string): string | undefined => head?.headers[head.headers.indexOf(name) + 1];
    const cookie = head?.headers.includes('Set-Cookie') === true ? field('Set-Cookie') : undefined;
    return { at: served.id, seen: opened?.head.headers.slice(2), stickiness: field('Berth-Affinity'), cookie };
  }
  const lose = (name: string): void => {
    const gone = replicas.find(({ id }) => id === name);
    if (gone !== undefined) pool.remove(gone);
  };
  const byName = (name: string): FakeConnection => replicas[NAMES.indexOf(name)] as FakeConnection;
  return { handler, ask, lose, byName, pool };
}

/** What a browser sends back. */
const back = (setCookie: string | undefined): string => setCookie?.split(';', 1)[0] ?? '';

describe('affinity', () => {
  it('is no handler when it is off, for an agent that does not share its id, or by the word for that agent', () => {
    expect(make({}).handler).toBeUndefined();
    expect(make({ by: 'client' }, false).handler).toBeUndefined();
    expect(make({ by: 'client', agents: { 'web-*': 'off' } }).handler).toBeUndefined();
    expect(make({ by: 'off', agents: { 'web-*': 'client' } }).handler).toBeDefined();
  });

  describe('by cookie', () => {
    beforeEach(() => jest.useFakeTimers());
    afterEach(() => jest.useRealTimers());

    it('C9: a client without one gets one, and stays where it was sent', () => {
      const { ask } = make({ by: 'cookie' });
      const first = ask();
      expect([first.stickiness, first.cookie]).toEqual([
        'new',
        expect.stringMatching(/^berth-8100=[\w.-]+; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/),
      ]);
      for (let i = 0; i < 6; i += 1) {
        const later = ask(['Cookie', `a=1; ${back(first.cookie)}; b=2`]);
        expect(later).toEqual({ at: first.at, seen: ['Cookie', 'a=1; b=2'], stickiness: 'kept', cookie: undefined });
      }
      expect(new Set([1, 2, 3].map(() => ask().at)).size).toBe(3);
    });

    it('is for TLS alone where the port has it', () => {
      expect(make({ by: 'cookie' }, true, 'https').ask().cookie).toMatch(/; SameSite=Lax; Secure$/);
    });

    it('C9: moves with a fresh cookie when its replica is gone or not fit, and stays there', () => {
      const { ask, lose, byName, pool } = make({ by: 'cookie' });
      const first = ask();
      lose(first.at);
      const moved = ask(['Cookie', back(first.cookie)]);
      expect([moved.stickiness, moved.at === first.at, moved.seen]).toEqual(['moved', false, []]);
      expect(ask(['Cookie', back(moved.cookie)])).toMatchObject({ at: moved.at, stickiness: 'kept' });
      pool.of(byName(moved.at))?.health.reports('unhealthy', '', 0);
      const again = ask(['Cookie', back(moved.cookie)]);
      expect(again).toMatchObject({ stickiness: 'moved', cookie: expect.stringContaining('berth-8100=') as string });
      expect([first.at, moved.at]).not.toContain(again.at);
    });

    it('C9: a replica that is only full keeps its clients', () => {
      const { ask, byName } = make({ by: 'cookie' });
      const first = ask();
      const home = byName(first.at);
      home.inFlight = home.capacity;
      const meanwhile = ask(['Cookie', back(first.cookie)]);
      expect([meanwhile.at === first.at, meanwhile.stickiness, meanwhile.cookie]).toEqual([false, 'moved', undefined]);
      home.inFlight = 0;
      expect(ask(['Cookie', back(first.cookie)])).toMatchObject({ at: first.at, stickiness: 'kept' });
    });

    it('C9: each use past half its time renews it; past all of it, it counts for none', () => {
      const { ask } = make({ by: 'cookie', cookieTtlSeconds: 100 });
      const first = ask();
      jest.advanceTimersByTime(60_000);
      const renewed = ask(['Cookie', back(first.cookie)]);
      expect(renewed).toMatchObject({ at: first.at, stickiness: 'kept', cookie: expect.any(String) as string });
      jest.advanceTimersByTime(60_000);
      expect(ask(['Cookie', back(first.cookie)]).stickiness).toBe('new');
      expect(ask(['Cookie', back(renewed.cookie)])).toMatchObject({ at: first.at, stickiness: 'kept' });
    });

    it('one that is forged counts for none, and the service does not see it either', () => {
      const { ask } = make({ by: 'cookie' });
      const first = ask();
      const forged = back(first.cookie).slice(0, -4);
      for (const cookie of [`${forged}AAAA`, forged, 'berth-8100=', 'berth-8100=x']) {
        expect(ask(['Cookie', cookie])).toMatchObject({ stickiness: 'new', seen: [], cookie: expect.any(String) });
      }
      // Of several, the first that is good.
      expect(ask(['Cookie', `berth-8100=x; ${back(first.cookie)}`])).toMatchObject({ at: first.at, seen: [] });
    });

    it('says nothing of it unless it is told to', () => {
      const { ask } = make({ by: 'cookie', reportHeader: false });
      const first = ask();
      const later = ask(['Cookie', back(first.cookie)]);
      expect(later).toMatchObject({ at: first.at, cookie: undefined });
      expect(later.stickiness).not.toBe('kept');
    });
  });

  describe.each([
    ['header', (key: string) => [['x-session-id', key], {}]],
    ['client', (key: string) => [[], { clientAddress: key }]],
  ] as [AffinitySettings['by'], (key: string) => [string[], Partial<ExchangeRequest>]][])('by %s', (by, asking) => {
    const KEYS = Array.from({ length: 100 }, (_, i) => `198.51.100.${i}`);

    it('C9: the same key has the same replica; only those of one that goes move, and come back with it', () => {
      const { ask, lose, byName, pool } = make({ by });
      const homes = () => new Map(KEYS.map((key) => [key, ask(...asking(key))]));
      const before = homes();
      expect(new Set([...before.values()].map(({ at }) => at)).size).toBe(3);
      expect(
        [...before.values()].every(({ stickiness, cookie }) => stickiness === 'kept' && cookie === undefined),
      ).toBe(true);
      const home = byName('b');
      home.inFlight = home.capacity;
      for (const [key, { at, stickiness }] of homes()) {
        const was = before.get(key)?.at;
        expect([key, at === was, stickiness]).toEqual(was === 'b' ? [key, false, 'moved'] : [key, true, 'kept']);
      }
      home.inFlight = 0;
      lose('b');
      for (const [key, { at, stickiness }] of homes()) {
        const was = before.get(key)?.at;
        expect([key, at === was, stickiness]).toEqual([key, was !== 'b', 'kept']);
      }
      pool.add(home);
      expect(homes()).toEqual(before);
    });

    it('a request without a key goes where the pool says', () => {
      const { ask } = make({ by });
      const where = [1, 2, 3].map(() => ask([], { clientAddress: by === 'client' ? '' : 'one' }).at);
      expect(new Set(where).size).toBe(3);
    });
  });

  it('a port whose clients send no cookies has no handler for them', () => {
    const settings = Object.assign(new AffinitySettings(), { by: 'cookie' });
    const { options, deadlines, log, limitedLog } = handlerContext({ affinity: settings });
    const service = new LocalService(new Agent('web-1', 'a', true), 'default', 'tcp');
    expect(affinity({ service, options, deadlines, log, limitedLog })).toBeUndefined();
  });

  it('bytes of a pipe without a head pass', () => {
    const { ask } = make({ by: 'client' });
    const tcp = fakeRequest({ kind: ExchangeKind.tcp, headers: [] });
    expect(ask([], { openHead: tcp.openHead }).at).toBe(ask([]).at);
  });
});
