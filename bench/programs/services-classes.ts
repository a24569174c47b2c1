import { Method, Service, State } from 'berth-services';

/** Does nothing: what is measured is the way to it. */
@Service('Empty', { package: 'bench' })
export class Empty {
  @Method({ stateless: true }) served(): void {
    // nothing
  }

  @Method({ stateless: true, serveWithAgent: true }) carried(): void {
    // nothing
  }
}

/** A small object, through the function server or an agent. */
@Service('Counter', { package: 'bench' })
export class Counter {
  @State() count = 0;
  @State() name = 'counter';

  @Method() add(by: number): number {
    this.count += by;
    return this.count;
  }

  @Method({ serveWithAgent: true }) carriedAdd(by: number): number {
    this.count += by;
    return this.count;
  }
}

/** Numbers of the runs of {@link Ledger.mark} in this process, in their order. */
export const marked: number[] = [];

/** Keeps account of what was done, and how often. */
@Service('Ledger', { package: 'bench' })
export class Ledger {
  @State() count = 0;

  @Method({ stateless: true, serveWithAgent: true }) mark(number: number): void {
    marked.push(number);
  }

  /** @returns a number that no other effect on this object has */
  @Method({ serveWithAgent: true, delivery: 'at-least-once' }) add(): number {
    this.count += 1;
    return this.count;
  }

  @Method({ serveWithAgent: true }) total(): number {
    return this.count;
  }
}
