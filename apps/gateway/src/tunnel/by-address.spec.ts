import { jest } from '@jest/globals';
import { ByAddress } from './by-address.js';

describe('connections by address', () => {
  const full = { total: 3, perAddress: Infinity };
  const one = (address: string): { readonly address: string } => ({ address });

  it('the crowd is of the address with the most as they come and go, of whose is asked for where they are as many', () => {
    const list = new ByAddress();
    const [first, second, third, fourth] = [one('a'), one('a'), one('b'), one('b')];
    for (const each of [first, second, third]) list.add(each);
    expect(list.crowd('c', full)).toEqual(new Set([first, second]));
    list.remove(first);
    list.add(fourth);
    expect(list.crowd('c', full)).toEqual(new Set([third, fourth]));
    list.remove(third);
    list.add(first);
    expect(list.crowd('b', { ...full, total: 3 })?.size).toBe(2);
    list.remove(first);
    list.add(one('c'));
    expect(list.crowd('b', full)).toEqual(new Set([fourth]));
    expect(list.crowd('d', full)?.size).toBe(1);
  });

  it('looks through all addresses once for as many as ask in between', () => {
    const list = new ByAddress();
    for (const address of ['a', 'b', 'c']) list.add(one(address));
    const looks = jest.spyOn(Map.prototype, 'values');
    for (let i = 0; i < 100; i += 1) list.crowd(`new ${i}`, full);
    expect(looks).toHaveBeenCalledTimes(1);
    looks.mockRestore();
  });
});
