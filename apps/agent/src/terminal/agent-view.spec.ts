import { jest } from '@jest/globals';
import { plain } from '@berth/observability';
import { AgentView } from './agent-view.js';
import { bytes, duration, requestLine, shownRequest } from './request-line.js';
import type { AgentRequest } from '../session/watched-exchange.js';

const settings = { id: 'kiosk-7', gateway: 'gw.example:9090', protocol: 'berth' } as const;
const service = (name: string, port: number) => ({
  name,
  target: `http://localhost:${port}`,
  url: `http://gw.example:8${port}`,
  port,
});
const ADDRESS = { port: 1, host: 'gw.example', url: '', services: [service('default', 100), service('api', 4000)] };

const REQUEST: AgentRequest = {
  id: 'c-1',
  service: 'default',
  kind: 'http',
  method: 'GET',
  path: '/a',
  status: 200,
  durationMs: 12.34,
  bytesIn: 0,
  bytesOut: 1234,
  upgraded: false,
  error: undefined,
  errorMessage: '',
};

describe('what people see of an agent', () => {
  const record = (fields: object) => ({ level: 'info', time: '2026-01-02T03:04:05.678Z', ...fields });
  const withoutTime = (text: string | undefined): string | undefined => text?.replaceAll(/^\d\d:\d\d:\d\d /gm, '');
  const view = (showsRequests = true) => {
    const it = new AgentView({ settings, style: plain, columns: () => 80, showsRequests });
    return {
      addresses: (address = ADDRESS) => withoutTime(it.addresses(address)),
      see: (fields: object) => withoutTime(it.see(record(fields))),
    };
  };
  const down = { event: 'local_service_down', service: 'api', target: 'http://localhost:4000', reason: 'it refuses' };
  const lost = { event: 'no_connection', reason: 'it is away', retryInMs: 1234, connections: 0 };

  afterEach(() => {
    jest.useRealTimers();
  });

  it('all addresses in columns, with what is known of the services', () => {
    const { addresses, see } = view();
    expect(see({ event: 'local_service_up', service: 'default', target: 'http://localhost:100' })).toBe('');
    expect(see(down)).toBe('http://localhost:4000 does not answer: it refuses\n');
    expect(addresses()).toBe(
      [
        'kiosk-7 is connected to gw.example:9090\n',
        '  http://gw.example:8100  -> http://localhost:100  (default)  answers',
        '  http://gw.example:84000 -> http://localhost:4000 (api)      does not answer: it refuses\n\n',
      ].join('\n'),
    );
    expect(see({ ...down, event: 'local_service_up', awayMs: 2100 })).toBe(
      'http://localhost:4000 (api) answers again after 2.1 s\n',
    );
  });

  it('a loss and a return in a line each, and the addresses again only if they are others', () => {
    jest.useFakeTimers();
    const { addresses, see } = view();
    addresses();
    expect(see({ ...lost, connections: 2 })).toBe(
      'one of the connections has ended: it is away; next attempt in 1.2 s\n',
    );
    expect(see({ ...lost, reason: 'other' })).toBe('disconnected: other; next attempt in 1.2 s\n');
    // Again after 5 s, 10 s more, and so on; another reason at once.
    expect(see({ ...lost, reason: 'other' })).toBe('');
    jest.advanceTimersByTime(5000);
    expect(see({ ...lost, reason: 'other' })).toBe('still not connected for the same reason\n');
    jest.advanceTimersByTime(9000);
    expect(see({ ...lost, reason: 'other' })).toBe('');
    expect(see(lost)).toBe('not connected: it is away; next attempt in 1.2 s\n');
    expect(addresses()).toBe('connected again after 14.0 s\n');
    expect(see(lost)).toBe('disconnected: it is away; next attempt in 1.2 s\n');
    const other = { ...ADDRESS, services: [service('default', 200)] };
    expect(addresses(other)).toMatch(/^kiosk-7 is connected again after .* to gw[^]*-> http:\/\/localhost:200\n\n$/);
    expect(addresses(other)).toBe('');
  });

  it('leaves out what has been told otherwise, and leaves all else to the log', () => {
    const { see } = view();
    for (const event of ['registered', 'services_changed', 'goaway', 'exchange_failed'])
      expect(see({ event })).toBe('');
    expect(view(false).see({ event: 'exchange_failed' })).toBeUndefined();
    expect(see({ msg: 'something' })).toBeUndefined();
    expect(see({ event: 'request', leftOut: 17 })).toBe('… and 17 more requests\n');
  });

  it.each<[string, Partial<AgentRequest>, RegExp]>([
    ['answered', {}, /^GET {5}\/a {33}200 {3}12 ms {3}1\.2 kB$/],
    ['with a body', { method: 'POST', bytesIn: 5 }, /^POST {4}\/a +200 +12 ms +1\.2 kB ↑ 5 B$/],
    [
      'not reached',
      { status: undefined, error: 'local_unreachable', errorMessage: 'it refuses' },
      / --- it refuses +12 ms/,
    ],
    ['left', { error: 'cancelled', errorMessage: 'x' }, / 200 client left /],
    ['broken off', { error: 'connection_lost' }, / 200 connection lost /],
    ['raw TCP', { kind: 'tcp', method: '', path: '', status: undefined }, /^TCP +ok +12 ms/],
    ['with a query, which may hold a secret', { path: '/a?token=1' }, /^GET {5}\/a\?… +200/],
    ['long', { path: `/${'x'.repeat(500)}`, method: 'PROPPATCHES' }, /^PROPPA… \/x{32}… 200/],
    ['hostile', { path: '/\u001b[2J\u009b', method: 'G' }, /^G {7}\/\\x1b\[2J\\x9b +200/],
  ])('a request: %s', (_name, parts, expected) => {
    expect(requestLine(shownRequest({ ...REQUEST, ...parts }), 80, false, plain)).toMatch(expected);
  });

  it('names the service of a request where there are several', () => {
    expect(requestLine(shownRequest(REQUEST), 80, true, plain)).toMatch(/ \(default\)$/);
  });

  it('durations and sizes for people', () => {
    expect([0.04, 9.96, 999.4, 1000, 59_940, 60_000, 3_600_000 * 2.5].map(duration)).toEqual([
      '0.0 ms',
      '10.0 ms',
      '999 ms',
      '1.0 s',
      '59.9 s',
      '1 min',
      '2 h 30',
    ]);
    expect([0, 999, 1000, 9949, 123_456, 999_999, 5e9, 3e15].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '9.9 kB',
      '123 kB',
      '1.0 MB',
      '5.0 GB',
      '3000 TB',
    ]);
  });
});
