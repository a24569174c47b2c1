import fc from 'fast-check';
import type { AccessEntry } from './access-entry.js';
import { combinedLine, jsonLine } from './access-line.js';

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

  it('show no password of a target that has one', () => {
    const target = 'http://user:password@a.example/x';
    expect(jsonLine(entry({ target }), true)).toContain('"target":"http://a.example/x"');
    expect(combinedLine(entry({ target }), true)).toContain('GET http://a.example/x HTTP');
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
    const long = 'x'.repeat(30_000);
    for (const line of [jsonLine, combinedLine])
      expect(line(entry({ target: `/${long}`, header: () => long }), true).length).toBeLessThan(7000);
  });
});
