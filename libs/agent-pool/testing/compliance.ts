import { type Ability, CarriedLab, type MakeCarried } from './carried-lab.js';
import { testsOfCarrying } from './compliance-carrying.js';
import { testsOfEnding } from './compliance-ending.js';

/**
 * What every kind of connection must hold, as tests of the running spec file.
 * An `AgentConnection` that passes can stand in the pool beside any other.
 *
 * @param lacks what it cannot carry, and why
 */
export function everyConnection(kind: string, make: MakeCarried, lacks: Partial<Record<Ability, string>> = {}): void {
  describe(`${kind}, as every kind of connection`, () => {
    const lab = new CarriedLab(make, lacks);
    lab.forEachTest();
    testsOfCarrying(lab);
    testsOfEnding(lab);
  });
}
