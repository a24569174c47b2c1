import { invalid } from '../errors.js';
import type { ServicesOptions } from './services-options.js';
import { Services } from './services.js';

let runtime: Services | undefined;

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

/** The process's own runtime, or one that does nothing: what only asks or stops makes none that stays. */
export function presentServices(): Services {
  return runtime ?? new Services();
}

/** Stops all of it; the next use starts anew. */
export async function closeServices(): Promise<void> {
  const closing = runtime;
  runtime = undefined;
  await closing?.close();
}

// The functions of Services, for programs that need one runtime only.
export const startServer: Services['startServer'] = (options) => defaultServices().startServer(options);
export const stopServer: Services['stopServer'] = (options) => presentServices().stopServer(options);
export const restartServer: Services['restartServer'] = (options) => defaultServices().restartServer(options);
export const isServerRunning: Services['isServerRunning'] = () => presentServices().isServerRunning();
export const getServerInfo: Services['getServerInfo'] = () => presentServices().getServerInfo();
export const startAgent: Services['startAgent'] = (service, options) => defaultServices().startAgent(service, options);
export const stopAgent: Services['stopAgent'] = (which) => presentServices().stopAgent(which);
export const listAgents: Services['listAgents'] = () => presentServices().listAgents();
export const stopAllAgents: Services['stopAllAgents'] = () => presentServices().stopAllAgents();
