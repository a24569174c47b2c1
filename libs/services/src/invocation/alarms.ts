import { Deadlines, type Expiring } from '../runtime/deadlines.js';

/** Something to be done at a time, unless it is called off. */
export class Alarm implements Expiring {
  heapIndex = -1;

  /** @param deadline by `steadyNow` */
  constructor(
    readonly deadline: number,
    readonly ring: () => void,
  ) {}
}

/** The deadlines of all calls that a runtime runs. */
export class Alarms {
  readonly #deadlines = new Deadlines<Alarm>((alarm) => alarm.ring());

  /** @param deadline by `steadyNow`; one that has passed rings soon, not at once */
  at(deadline: number, ring: () => void): Alarm {
    const alarm = new Alarm(deadline, ring);
    this.#deadlines.add(alarm);
    return alarm;
  }

  callOff(alarm: Alarm): void {
    this.#deadlines.remove(alarm);
  }

  /** From now on the process may end although methods still run: nobody waits for them. */
  letGo(): void {
    this.#deadlines.letGo();
  }
}
