import { latin1Headers, reasonBytes } from './index.js';

const TEXT = 'HTTP/1.1 200 OK\r\nX-A: caf\xe9\r\nX-Empty: \r\nx-a: 2\r\n\r\n';
const FIELDS = ['X-A', 'caf\xe9', 'X-Empty', '', 'x-a', '2'];

/** Views into one buffer, as a parser makes them. */
function views(whole: Buffer): Buffer[] {
  let at = 0;
  return FIELDS.map((field) => {
    at = TEXT.indexOf(field, at);
    return whole.subarray(at, (at += field.length));
  });
}

describe('latin1Headers', () => {
  it('reads views into one buffer', () => {
    expect(latin1Headers(views(Buffer.from(TEXT, 'latin1')))).toEqual(FIELDS);
  });

  it('reads fields that lie in buffers of their own, or out of order', () => {
    const apart = FIELDS.map((field) => Buffer.from(Buffer.from(field, 'latin1')));
    expect(latin1Headers(apart)).toEqual(FIELDS);
    const mixed = views(Buffer.from(TEXT, 'latin1'));
    mixed[1] = Buffer.from(FIELDS[1] as string, 'latin1');
    expect(latin1Headers(mixed)).toEqual(FIELDS);
    const pool = Buffer.alloc(200_000);
    const ends = [pool.subarray(199_990), pool.subarray(0, 5)];
    pool.write('last', 199_990);
    expect(latin1Headers(ends)).toEqual(ends.map((it) => it.toString('latin1')));
    expect(latin1Headers(ends.reverse())).toEqual(ends.map((it) => it.toString('latin1')));
  });

  it('has nothing for nothing', () => {
    expect(latin1Headers([])).toEqual([]);
  });
});

describe('reasonBytes', () => {
  it('gives one character per byte', () => {
    expect(reasonBytes('Not Found')).toBe('Not Found');
    expect(reasonBytes('üblich')).toBe('\xc3\xbcblich');
    expect(reasonBytes('🙂')).toBe('\xf0\x9f\x99\x82');
  });
});
