import { checkTarget, normaliseTarget } from './target.js';

describe('target', () => {
  it.each([
    ['3000', 'http://localhost:3000'],
    ['localhost:3000', 'http://localhost:3000'],
    ['[::1]:3000', 'http://[::1]:3000'],
    ['http://10.0.0.1', 'http://10.0.0.1'],
    ['http://printer:8080/', 'http://printer:8080'],
    ['https://printer', 'https://printer'],
    ['h2c://127.0.0.1:50051', 'h2c://127.0.0.1:50051'],
    ['h2c://Box/', 'h2c://box'],
    ['h2://[::1]:8443', 'h2://[::1]:8443'],
    ['unix:/run/app.sock', 'unix:/run/app.sock'],
  ])('reads %s as %s', (text, target) => expect(normaliseTarget(text)).toBe(target));

  it.each([
    '',
    '0',
    '65536',
    'localhost',
    'localhost:x',
    'http://',
    'ftp://a:1',
    'unix:app.sock',
    'http://a/base',
    'http://a?b',
    'http://u:p@a',
    'a b:1',
    'h2c://',
    'h2c://a:0',
    'h2://a/base',
    'h3://a:1',
  ])('refuses "%s"', (text) => expect(normaliseTarget(text)).toBeUndefined());

  it.each([
    ['http://127.0.0.1:3000/app', 'http://127.0.0.1:3000'],
    ['https://a?b', 'https://a'],
    ['localhost:3000/', 'localhost:3000'],
    ['tcp://a:22/#x', 'tcp://a:22'],
  ])('of "%s" says that %s is what to give', (text, bare) =>
    expect(checkTarget(text)).toBe(`has a path or a query, which would have no effect: give ${bare}`),
  );

  it.each(['http://u:12/34@a', 'ftp://a:1/x', 'localhost/app', '/app'])('of "%s" says what there is', (text) =>
    expect(checkTarget(text)).toMatch(/^is no usable target: give 3000, /),
  );
});
