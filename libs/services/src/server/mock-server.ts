import { ServerError } from '../errors.js';
import type { ServerInfo, ServerLifecycle, StartServerOptions } from './server-lifecycle.js';

/** Mock mode's function server (checklist B15): runs or does not, and has no socket. */
export class MockServer implements ServerLifecycle {
  #port: number | undefined;
  #running = false;

  start({ port = 8080 }: StartServerOptions = {}): Promise<void> {
    if (this.#running)
      return Promise.reject(new ServerError('BERTH_FUNCTION_SERVER_RUNNING', 'gRPC server is already running'));
    this.#port = port;
    this.#running = true;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    if (!this.#running)
      return Promise.reject(new ServerError('BERTH_FUNCTION_SERVER_NOT_RUNNING', 'gRPC server is not running'));
    this.#running = false;
    return Promise.resolve();
  }

  restart({ port = this.#port ?? 8080 }: StartServerOptions = {}): Promise<void> {
    this.#running = false;
    return this.start({ port });
  }

  isRunning(): boolean {
    return this.#running;
  }

  info(): ServerInfo {
    return { running: this.#running, port: this.#running ? this.#port : undefined, mode: 'mock' };
  }
}
