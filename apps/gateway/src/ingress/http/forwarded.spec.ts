import { applyForwarded } from './forwarded.js';

const CLIENT = { scheme: 'http' as const, address: '192.0.2.7', host: 'a.example' };

describe('applyForwarded', () => {
  it('append: the last word is the gateway’s own, however many lines came', () => {
    const brought = ['X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '2.2.2.2', 'X-Forwarded-Proto', 'https'];
    expect(applyForwarded(brought, 'append', CLIENT)).toEqual([
      ...['X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '2.2.2.2, 192.0.2.7', 'X-Forwarded-Proto', 'https'],
      ...['X-Forwarded-Host', 'a.example'],
    ]);
  });

  it('append: Forwarded grows where it is, on its last line only', () => {
    const out = applyForwarded(['Forwarded', 'for=a', 'Forwarded', 'for=b'], 'append', {
      ...CLIENT,
      address: '2001:db8::1',
    });
    expect(out.slice(0, 4)).toEqual([
      ...['Forwarded', 'for=a'],
      ...['Forwarded', 'for=b, for="[2001:db8::1]";host="a.example";proto=http'],
    ]);
    expect(applyForwarded([], 'append', CLIENT)).not.toContain('Forwarded');
  });

  it('append: an empty list gets no comma', () => {
    expect(applyForwarded(['X-Forwarded-For', ''], 'append', CLIENT).slice(0, 2)).toEqual([
      'X-Forwarded-For',
      '192.0.2.7',
    ]);
  });

  it('replace: nothing of the client’s stays', () => {
    const brought = ['X-FORWARDED-FOR', '1.1.1.1', 'Forwarded', 'for=a', 'X-Forwarded-Host', 'evil', 'X-A', '1'];
    expect(applyForwarded(brought, 'replace', CLIENT)).toEqual([
      ...['X-A', '1', 'X-Forwarded-For', '192.0.2.7', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'a.example'],
    ]);
  });

  it('off: everything stays', () => {
    expect(applyForwarded(['Forwarded', 'for=a'], 'off', CLIENT)).toEqual(['Forwarded', 'for=a']);
  });

  it('quotes cannot end the host early', () => {
    const out = applyForwarded(['Forwarded', 'for=a'], 'append', { ...CLIENT, host: 'a";for=evil' });
    expect(out[1]).toBe('for=a, for=192.0.2.7;host="a;for=evil";proto=http');
  });
});
