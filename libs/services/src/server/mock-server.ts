import { ServerError } from '../errors.js';
import type { ServerInfo, ServerLifecycle, StartServerOptions } from './server-lifecycle.js';
import { checkPort } from './server-options.js';

const DEFAULT_PORT = 8080;

/**
 * Mock mode's function server (checklist B15): runs or does not, and has no
 * socket. Its port is the one that it was given; for 0, any free one, it says 8080.
 */
export class MockServer implements ServerLifecycle {
  #port = DEFAULT_PORT;
  #running = false;

  start({ port = DEFAULT_PORT }: StartServerOptions = {}): Promise<void> {
    if (this.#running)
      return Promise.reject(new ServerError('BERTH_FUNCTION_SERVER_RUNNING', 'gRPC server is already running'));
    return this.restart({ port });
  }

  stop(): Promise<void> {
    if (!this.#running)
      return Promise.reject(new ServerError('BERTH_FUNCTION_SERVER_NOT_RUNNING', 'gRPC server is not running'));
    this.#running = false;
    return Promise.resolve();
  }

  /** It runs on when the port is out of range, like a real one. */
  async restart({ port = this.#port }: StartServerOptions = {}): Promise<void> {
    checkPort(port);
    this.#port = port === 0 ? DEFAULT_PORT : port;
    this.#running = true;
    return Promise.resolve();
  }

  isRunning(): boolean {
    return this.#running;
  }

  info(): ServerInfo {
    return { running: this.#running, port: this.#running ? this.#port : undefined, mode: 'mock' };
  }
}
