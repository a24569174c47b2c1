import type { ServedService } from '../runtime/service-registry.js';
import { Activations } from './activations.js';

const keyOf = (objectId: string) => ({ service: 'a.B', partition: 0, objectId });

class Objects extends Activations {
  /** One call of an object, from its begin to its end. */
  touch(id: string): void {
    const activation = this.use({} as ServedService, keyOf(id));
    void activation.turn.enter(0);
    activation.turn.leave();
    this.release(activation);
  }

  /** Whether it is in memory still; it is used by that. */
  has(id: string): boolean {
    const before = this.size;
    const activation = this.use({} as ServedService, keyOf(id));
    this.release(activation);
    return activation.version === 1 && this.size === before;
  }

  /** As one that was loaded. */
  load(id: string): void {
    this.touch(id);
    const activation = this.use({} as ServedService, keyOf(id));
    activation.version = 1;
    this.release(activation);
  }
}

describe('Activations', () => {
  it('lets the longest unused go first, and none that is in use', () => {
    const objects = new Objects(3);
    for (const id of ['a', 'b', 'c']) objects.load(id);
    objects.touch('a');
    objects.load('d');
    expect(objects.size).toBe(3);
    expect(['d', 'a', 'c'].map((id) => objects.has(id))).toEqual([true, true, true]);
    expect(objects.has('b')).toBe(false);

    const busy = ['w', 'x', 'y', 'z'].map((id) => objects.use({} as ServedService, keyOf(id)));
    for (const { turn } of busy) void turn.enter(0);
    expect(objects.size).toBe(4);
    for (const activation of busy) {
      activation.turn.leave();
      objects.release(activation);
    }
    expect(objects.size).toBe(3);
  });
});
