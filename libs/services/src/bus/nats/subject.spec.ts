import { invocationKey } from '../../invocation/invocation.js';
import { subjectOf } from './subject.js';

describe('subjectOf', () => {
  it('B14: a key is a subject with dots for slashes', () => {
    const target = { service: 'shop.Counter', partition: 7, method: 'add' };
    expect(subjectOf(invocationKey(target))).toBe('oprc.shop.Counter.7.invokes.add');
    expect(subjectOf(invocationKey({ ...target, objectId: 'o-1' }))).toBe(
      'oprc.shop.Counter.7.objects.o-1.invokes.add',
    );
  });

  it('what a subject cannot have is percent-encoded, and no two objects get the same one', () => {
    const subject = (objectId: string): string =>
      subjectOf(invocationKey({ service: 'a.B', partition: 0, method: 'f', objectId }));
    expect(subject('a.b >*')).toBe('oprc.a.B.0.objects.a%2Eb%20%3E%2A.invokes.f');
    expect(subject('größe')).toBe('oprc.a.B.0.objects.gr%C3%B6%C3%9Fe.invokes.f');
    const ids = ['a.b', 'a%2Eb', 'a b', 'a>b', '>', '*', '%', '漢字', '🚢'];
    expect(new Set(ids.map(subject)).size).toBe(ids.length);
    for (const id of ids) expect(subject(id)).toMatch(/^[\w.%-]+$/);
  });
});
