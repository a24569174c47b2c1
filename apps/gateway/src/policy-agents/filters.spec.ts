import type { OpenHead } from '@berth/exchange';
import { Filter, type FilterSettings } from './filters.js';

const filter = (over: Partial<FilterSettings>): Filter =>
  new Filter({ paths: [], methods: [], contentTypes: [], ...over });
const head = (target: string, method = 'GET'): OpenHead => ({ method, target }) as OpenHead;

describe('what an agent is asked about', () => {
  it('is everything unless something is said', () => {
    expect(filter({}).concerns(head('/any'))).toBe(true);
    expect(filter({}).concernsBody('text/plain')).toBe(true);
  });

  it.each([
    ['/admin/users', true],
    ['/admin/users?x=/other', true],
    ['/other?x=/admin/', false],
    ['/admin', false],
    ['http://host:80/admin/users', true],
    ['/%61dmin/users', true],
    ['/%2561dmin/users', true],
    ['//admin//users', true],
    ['//host/admin/users', true],
    ['/\\host/%61dmin/users', true],
    ['/x//admin/users', false],
    ['/./x/../admin/users', true],
    ['/x/..%2fadmin/users', true],
    ['/admin;v=1/users', true],
    ['\\admin\\users', true],
    ['/admin/%ff', true],
    ['/adm%69n%2f', true],
    ['/admin2/users', false],
  ])('is a path however it is written: %s', (target, expected) => {
    expect(filter({ paths: ['/admin/*'] }).concerns(head(target))).toBe(expected);
  });

  it('is a path as it was sent, too', () => {
    expect(filter({ paths: ['/a//b'] }).concerns(head('/a//b'))).toBe(true);
  });

  it('are methods, and media types of bodies; a body of no type may be anything', () => {
    expect(filter({ methods: ['post'] }).concerns(head('/', 'POST'))).toBe(true);
    expect(filter({ methods: ['POST'] }).concerns(head('/'))).toBe(false);
    const types = filter({ contentTypes: ['Application/JSON', 'text/*'] });
    const asked = ['application/json', 'text/html', '', 'image/png', 'application/jsonx'];
    expect(asked.map((type) => types.concernsBody(type))).toEqual([true, true, true, false, false]);
  });

  it('is found in time whatever is sent', () => {
    const long = `/${'%2e%2e/a'.repeat(4000)}`;
    const began = performance.now();
    expect(filter({ paths: ['*a*a*a*a*b'] }).concerns(head(long))).toBe(false);
    expect(performance.now() - began).toBeLessThan(200);
  });
});
