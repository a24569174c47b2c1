import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { plainPath, plainPaths, sentPath } from './plain-path.js';

describe('the path for rules', () => {
  it.each([
    ['/', '/'],
    ['/a/b?c=/d', '/a/b'],
    ['/a.txt', '/a.txt'],
    ['/%61dmin', '/admin'],
    ['//admin', '/admin'],
    ['/./admin/', '/admin/'],
    ['/x/../admin', '/admin'],
    ['/x/%2e%2e/admin', '/admin'],
    ['/x%2f..%2fadmin', '/admin'],
    ['/x\\..\\admin', '/admin'],
    ['/../../admin', '/admin'],
    ['/admin/.', '/admin/'],
    ['/%c3%bc', '/ü'],
    ['/\xc3\xbc', '/ü'],
    ['/%zz', '/%zz'],
    ['http://host/admin', '/admin'],
    ['http://host', '/'],
    ['*', '/*'],
    ['', '/'],
    ['/%2561', '/a'],
    ['/%252561', '/%61'],
    ['/admin;v=1/x', '/admin/x'],
    ['/public;/../admin', '/admin'],
    ['/adm%69n%2f', '/admin/'],
    ['/%ff', '/\ufffd'],
    ['/..'.repeat(3), '/'],
  ])('%j is %j', (uri, path) => {
    expect(plainPath(uri)).toBe(path);
  });

  it.each([
    ['/a/../b?c', '/a/../b', ['/b']],
    ['//host/admin?x', '//host/admin', ['/host/admin', '/admin']],
    ['\\/host/%61dmin', '\\/host/%61dmin', ['/host/admin', '/admin']],
    ['http://h//host/admin', '//host/admin', ['/host/admin', '/admin']],
    ['//admin', '//admin', ['/admin', '/']],
    ['/x//admin', '/x//admin', ['/x/admin']],
  ])('may be another one for who resolves %j', (uri, sent, paths) => {
    expect([sentPath(uri), plainPaths(uri)]).toEqual([sent, paths]);
    expect(paths).toContain(plainPath(new URL(uri, 'http://any').pathname));
  });

  it('has nothing to go around by, whatever is asked for', () => {
    const part = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '%2e',
      '%2f',
      '%5c',
      '%',
      '%252e',
      ';',
      'a',
      'admin',
      '?',
      '#',
      ':',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const path = plainPath(parts.join(''));
        expect(path.startsWith('/')).toBe(true);
        expect(path).not.toMatch(/\/\/|\\|(^|\/)\.\.?(\/|$)/);
      }),
    );
  });

  it('takes long ones in a time that grows with their length', () => {
    const beganAt = performance.now();
    plainPath(`/${'a/'.repeat(100_000)}%`);
    plainPath(`/${'a'.repeat(200_000)}%`);
    expect(performance.now() - beganAt).toBeLessThan(1000);
  });
});
