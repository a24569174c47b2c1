import { appendHeader, headerValues, removeHeader, setHeader } from './flat-headers.js';

describe('helpers for flat headers', () => {
  const headers = (): string[] => ['A', '1', 'B', '2', 'a', '3', 'C', '4'];

  it('give all values of a name, whatever its case', () => {
    expect([headerValues(headers(), 'a'), headerValues(headers(), 'X')]).toEqual([['1', '3'], []]);
  });

  it('set one value in the place of the first, or at the end', () => {
    const list = headers();
    setHeader(list, 'a', 'new');
    setHeader(list, 'X', '5');
    expect(list).toEqual(['A', 'new', 'B', '2', 'C', '4', 'X', '5']);
  });

  it('append beside what is there, and remove every line', () => {
    const list = headers();
    appendHeader(list, 'a', '5');
    expect(headerValues(list, 'A')).toEqual(['1', '3', '5']);
    removeHeader(list, 'A');
    expect(list).toEqual(['B', '2', 'C', '4']);
    removeHeader(list, 'A');
    expect(list).toEqual(['B', '2', 'C', '4']);
  });

  it('take a value for a name never', () => {
    const list = ['X', 'a', 'A', '1'];
    setHeader(list, 'a', '2');
    expect(list).toEqual(['X', 'a', 'A', '2']);
    removeHeader(list, 'a');
    expect(list).toEqual(['X', 'a']);
  });
});
