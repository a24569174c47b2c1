import { CarriedBus } from '../../src/bus/engine/carried-bus.js';
import type { CarriedBusOptions } from '../../src/bus/bus-options.js';
import { type MemoryCarrier, MemoryCarriers } from './memory-carrier.js';

/** A bus, and the carrier under it, which can be made mute. */
export interface Process {
  readonly bus: CarriedBus;
  readonly carrier: MemoryCarrier;
}

/** Buses that reach each other within this process. */
export class CarriedLab implements AsyncDisposable {
  readonly carriers = new MemoryCarriers();
  private readonly processes: Process[] = [];

  constructor(private readonly options: CarriedBusOptions = {}) {}

  async process(options: CarriedBusOptions = {}): Promise<Process> {
    const carrier = this.carriers.make();
    const bus = new CarriedBus(carrier, { ...this.options, ...options });
    const made = { bus, carrier };
    this.processes.push(made);
    await bus.open();
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { carrier } of this.processes) carrier.mute = false;
    await Promise.all(this.processes.map(({ bus }) => bus.close()));
  }
}
