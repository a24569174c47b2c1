import fc from 'fast-check';
import type { AccessEntry } from './access-entry.js';
import { combinedLine as addCombined, jsonLine as addJson, MAX_LINE_BYTES } from './access-line.js';
import { LineBuffer } from './line-buffer.js';

const buffer = new LineBuffer(2 * MAX_LINE_BYTES);

function jsonLine(of: AccessEntry, query: boolean): string {
  addJson(buffer, of, query);
  return buffer.takeText();
}

function combinedLine(of: AccessEntry, query: boolean): string {
  addCombined(buffer, of, query);
  return buffer.takeText();
}

const entry = (more: Partial<AccessEntry> = {}): AccessEntry => ({
  startedAt: Date.UTC(2026, 10, 29, 7, 8, 9, 12),
  client: '192.0.2.7',
  agent: 'kiosk-7',
  service: 'default',
  port: 8100,
  method: 'GET',
  target: '/a?token=secret',
  protocol: 'HTTP/1.1',
  status: 200,
  bytesIn: 0,
  bytesOut: 5,
  durationMs: 1.23456,
  headMs: 1,
  waitMs: 0.25,
  requestId: 'c1-5',
  retries: 0,
  error: undefined,
  cut: undefined,
  traceId: undefined,
  header: (name) => ({ 'user-agent': 'curl/8', referer: 'https://a.example/x?token=secret' })[name],
  ...more,
});

describe('lines of the access log', () => {
  it('are an object with all fields', () => {
    expect(JSON.parse(jsonLine(entry(), false))).toEqual({
      name: 'access',
      time: '2026-11-29T07:08:09.012Z',
      client: '192.0.2.7',
      agent: 'kiosk-7',
      service: 'default',
      port: 8100,
      method: 'GET',
      target: '/a',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes_in: 0,
      bytes_out: 5,
      duration_ms: 1.235,
      head_ms: 1,
      wait_ms: 0.25,
      request_id: 'c1-5',
    });
    const more = { retries: 1, error: 'BERTH_AGENT_LOST', cut: 'upstream_error', traceId: 'ab' };
    expect(JSON.parse(jsonLine(entry(more), true))).toMatchObject({
      target: '/a?token=secret',
      retries: 1,
      error: 'BERTH_AGENT_LOST',
      cut: 'upstream_error',
      trace_id: 'ab',
    });
  });

  it('are what nginx calls combined, with further fields behind', () => {
    expect(combinedLine(entry(), false)).toBe(
      '192.0.2.7 - - [29/Nov/2026:07:08:09 +0000] "GET /a HTTP/1.1" 200 5 "https://a.example/x" "curl/8" agent=kiosk-7 service=default port=8100 protocol=HTTP/1.1 in=0 ms=1.235 head=1 wait=0.25 id=c1-5 retries=0 error=- cut=- trace=-\n',
    );
    const raw = { method: '', target: '', protocol: 'tcp', status: undefined, header: () => undefined };
    expect(combinedLine(entry(raw), false)).toContain('+0000] "-" - 5 "-" "-" agent=kiosk-7');
  });

  it.each([
    ['http://user:password@a.example/x', 'http://a.example/x'],
    ['//user:password@a.example/x?q', '//a.example/x?q'],
    ['/\\user:p@ssword@a.example/x', '/\\a.example/x'],
    ['user:password@a.example:443', 'a.example:443'],
    [`http://user:${'x'.repeat(5000)}@a.example/`, 'http://a.example/'],
    ['/a@b', '/a@b'],
    ['/x//a@b', '/x//a@b'],
    ['http://a.example/x@y', 'http://a.example/x@y'],
  ])('show no password of a target that has one: %.40s', (target, seen) => {
    const said = entry({ target, header: () => target });
    expect((JSON.parse(jsonLine(said, true)) as AccessEntry).target).toBe(seen);
    const quoted = seen.replace('\\', '\\x5C');
    expect(combinedLine(said, true)).toContain(`GET ${quoted} HTTP/1.1" 200 5 "${quoted}"`);
  });

  it('cannot be forged by anything that a client says', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(hostile, hostile, fc.boolean(), (target, header, query) => {
        const said = entry({ method: header, target, client: header, header: () => header });
        for (const line of [jsonLine(said, query), combinedLine(said, query)]) expect(line).toMatch(/^[\x20-\x7e]*\n$/);
        const { service, status } = JSON.parse(jsonLine(said, query)) as AccessEntry;
        expect([service, status]).toEqual(['default', 200]);
        expect(combinedLine(said, query).split('"')).toHaveLength(7);
      }),
    );
  });

  it('are not as long as a client likes', () => {
    for (const long of ['x'.repeat(30_000), '\u20ac'.repeat(30_000)]) {
      const said = entry({ client: long, method: long, target: `/${long}`, header: () => long });
      for (const line of [jsonLine, combinedLine]) {
        expect(line(entry({ target: `/${long}` }), true)).toMatch(/\.\.\./);
        expect(line(said, true).length).toBeLessThan(MAX_LINE_BYTES);
      }
    }
  });

  it('have the time they began at, whatever came before', () => {
    const at = (startedAt: number): string => jsonLine(entry({ startedAt }), false).slice(25, 49);
    for (const time of [999, 1000, 1_790_000_000_007, 1_790_000_000_999, 1_790_000_001_000, 1_790_000_000_070])
      expect(at(time)).toBe(new Date(time).toISOString());
  });
});
