import type { AgentSelector, StartAgentOptions } from '../agents/agent-manager.js';
import type { AgentInfo } from '../agents/object-agent.js';
import type { ServiceClass } from '../definition/service-definition.js';
import { invalid } from '../errors.js';
import type { StartServerOptions, StopServerOptions } from '../server/function-server.js';
import type { ServicesOptions } from './services-options.js';
import { Services, type ServicesServerInfo } from './services.js';

let runtime: Services | undefined;
let idle: Services | undefined;

/**
 * Says what the process's own runtime is made of, before anything uses it.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` it is in use already: close it first
 */
export function configureServices(options: ServicesOptions): Services {
  if (runtime !== undefined)
    throw invalid('the services are in use already: call configureServices first, or closeServices');
  runtime = new Services(options);
  return runtime;
}

/** The process's own runtime, made when it is first asked for. */
export function defaultServices(): Services {
  runtime ??= new Services();
  return runtime;
}

/** The process's own runtime, or one that does nothing: what only asks or stops makes none. */
export function presentServices(): Services {
  if (runtime !== undefined) return runtime;
  idle ??= new Services();
  return idle;
}

/** Stops all of it; the next use starts anew. */
export async function closeServices(): Promise<void> {
  const closing = runtime;
  runtime = undefined;
  await closing?.close();
}

// The functions of Services, for programs that need one runtime only.
export const startServer = (options?: StartServerOptions): Promise<void> => defaultServices().startServer(options);
export const stopServer = (options?: StopServerOptions): Promise<void> => presentServices().stopServer(options);
export const restartServer = (options?: StartServerOptions): Promise<void> => defaultServices().restartServer(options);
export const isServerRunning = (): boolean => presentServices().isServerRunning();
export const getServerInfo = (): ServicesServerInfo => presentServices().getServerInfo();
export const startAgent = (service: ServiceClass, options?: StartAgentOptions): Promise<string> =>
  defaultServices().startAgent(service, options);
export const stopAgent = (which: string | Partial<AgentSelector>): Promise<void> => presentServices().stopAgent(which);
export const listAgents = (): Record<string, AgentInfo> => presentServices().listAgents();
export const stopAllAgents = (): Promise<void> => presentServices().stopAllAgents();
