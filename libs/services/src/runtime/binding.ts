import type { ServiceClass } from '../definition/service-definition.js';
import type { Services } from './services.js';

const runtimes = new WeakMap<ServiceClass, Services>();

/** The runtime that a class's own conveniences speak to: the last one that was given it (checklist B11). */
export function bindRuntime(service: ServiceClass, runtime: Services): void {
  runtimes.set(service, runtime);
}

export function boundRuntime(service: ServiceClass): Services | undefined {
  return runtimes.get(service);
}

/** A closed runtime is nobody's; a class that another one has taken since stays there. */
export function unbindRuntime(service: ServiceClass, runtime: Services): void {
  if (runtimes.get(service) === runtime) runtimes.delete(service);
}
