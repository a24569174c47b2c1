import { takeCookie } from './take-cookie.js';

describe('a cookie that is taken out', () => {
  const value = (cookies: string): unknown => takeCookie(['A', '1', 'Cookie', cookies, 'B', '2'], 'berth-1');
  const left = (cookies: string): unknown => ({ headers: ['A', '1', 'Cookie', cookies, 'B', '2'], values: ['x'] });

  it.each([
    ['berth-1=x; a=1; b=2', 'a=1; b=2'],
    ['a=1; berth-1=x; b=2', 'a=1; b=2'],
    ['a=1; b=2; berth-1=x', 'a=1; b=2'],
    ['a=1;berth-1=x;b=2', 'a=1;b=2'],
    ['a="1 2";  berth-1 = x ; b=\xe4\xa0;', 'a="1 2"; b=\xe4\xa0;'],
    ['berth-1=x;\t\xa0=1', '\xa0=1'],
    ['berth-12=y; xberth-1=z; berth-1; =berth-1; berth-1=x', 'berth-12=y; xberth-1=z; berth-1; =berth-1'],
  ])('leaves the others byte for byte: %s', (given, rest) => {
    expect(value(given)).toEqual(left(rest));
  });

  it.each(['berth-1=x', ' berth-1=x ', 'berth-1=x;', 'berth-1=x; '])('leaves no empty header: "%s"', (given) => {
    expect(value(given)).toEqual({ headers: ['A', '1', 'B', '2'], values: ['x'] });
  });

  it('is taken from every line, each time', () => {
    const headers = [
      'cookie',
      'berth-1=x; a=1',
      'COOKIE',
      'berth-1=y',
      'Cookie',
      'c=3',
      'Cookie',
      'berth-1=a=b; berth-1=',
    ];
    expect(takeCookie(headers, 'berth-1')).toEqual({
      headers: ['cookie', 'a=1', 'Cookie', 'c=3'],
      values: ['x', 'y', 'a=b', ''],
    });
  });

  it('costs no more for many blanks', () => {
    const cookies = `a${' '.repeat(65_000)}b=1`;
    const before = performance.now();
    expect(takeCookie(['Cookie', `${cookies}; berth-1=x`], 'berth-1')?.headers).toEqual(['Cookie', cookies]);
    expect(performance.now() - before).toBeLessThan(200);
  });

  it('that is not there changes nothing, not even an empty line', () => {
    for (const cookies of ['', 'a=1', 'berth-12=x', 'berth-1', 'a=berth-1=']) expect(value(cookies)).toBeUndefined();
    expect(takeCookie(['X-Cookie', 'berth-1=x'], 'berth-1')).toBeUndefined();
  });
});
