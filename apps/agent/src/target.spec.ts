import { normaliseTarget } from './target.js';

describe('target', () => {
  it.each([
    ['3000', 'http://localhost:3000'],
    ['localhost:3000', 'http://localhost:3000'],
    ['[::1]:3000', 'http://[::1]:3000'],
    ['http://10.0.0.1', 'http://10.0.0.1'],
    ['http://printer:8080/', 'http://printer:8080'],
    ['https://printer', 'https://printer'],
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
  ])('refuses "%s"', (text) => expect(normaliseTarget(text)).toBeUndefined());
});
