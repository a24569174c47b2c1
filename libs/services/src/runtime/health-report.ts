import type { InvocationBus } from '../bus/invocation-bus.js';
import type { ObjectStore } from '../objects/object-store.js';
import type { Services } from './services.js';

/** Share of failed calls above which a service warns (checklist B17). */
export const WARN_ERROR_RATE = 0.1;

export interface ServiceHealth {
  readonly status: 'ok' | 'warn';
  /** in the last one to two minutes, without those that were the caller's fault */
  readonly calls: number;
  readonly errors: number;
  /** 0..1 */
  readonly errorRate: number;
}

export interface HealthReport {
  /** `down`: bus or store cannot be reached; `warn`: a service has too many errors */
  readonly status: 'ok' | 'warn' | 'down';
  readonly bus: ReturnType<InvocationBus['health']>;
  readonly store: ReturnType<ObjectStore['health']>;
  readonly server: { readonly running: boolean; readonly port: number | undefined };
  /** agents by state */
  readonly agents: Readonly<Record<string, number>>;
  /** by `package.Service` */
  readonly services: Readonly<Record<string, ServiceHealth>>;
}

/** How a runtime is, from what it has counted; asks nobody. */
export function healthReport(runtime: Services): HealthReport {
  const services: Record<string, ServiceHealth> = {};
  for (const { definition, window } of runtime.services()) {
    const { calls, errors } = window.read();
    const errorRate = calls === 0 ? 0 : errors / calls;
    services[definition.id] = { status: errorRate > WARN_ERROR_RATE ? 'warn' : 'ok', calls, errors, errorRate };
  }
  const agents: Record<string, number> = {};
  for (const { state } of Object.values(runtime.listAgents())) agents[state] = (agents[state] ?? 0) + 1;
  const bus = runtime.bus.health();
  const store = runtime.store.health();
  const { running, port } = runtime.getServerInfo();
  const down = bus.state !== 'up' || store.state !== 'up';
  const warn = Object.values(services).some(({ status }) => status === 'warn');
  return { status: down ? 'down' : warn ? 'warn' : 'ok', bus, store, server: { running, port }, agents, services };
}
