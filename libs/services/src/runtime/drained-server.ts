import { LocalTransport } from '../client/local-transport.js';
import { ServerError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import type { ServerInfo, ServerLifecycle, StartServerOptions, StopServerOptions } from '../server/server-lifecycle.js';
import { checkStopTimeout } from '../server/server-options.js';

/**
 * A function server, real or mock, and its callers in this process. They reach
 * it without a socket, and a stop lets their calls end like those that came over
 * the wire. A restart takes nothing from them.
 *
 * Starts, stops and restarts happen one after the other, in the order of their calls.
 */
export class DrainedServer implements ServerLifecycle {
  /** how clients in this process call it */
  readonly local: LocalTransport;
  #last: Promise<void> = Promise.resolve();
  #stopping = false;

  /** @param stopTimeoutMs how long a stop lets calls go on when nobody says otherwise */
  constructor(
    private readonly server: ServerLifecycle,
    handle: InvocationHandler,
    private readonly stopTimeoutMs: number,
  ) {
    this.local = new LocalTransport(handle, () => this.isRunning());
  }

  start(options?: StartServerOptions): Promise<void> {
    return this.#inTurn(() => this.server.start(options));
  }

  restart(options?: StartServerOptions): Promise<void> {
    return this.#inTurn(() => this.server.restart(options));
  }

  stop({ timeoutMs = this.stopTimeoutMs }: StopServerOptions = {}): Promise<void> {
    return this.#inTurn(async () => {
      checkStopTimeout(timeoutMs);
      // One that does not run has no calls, and says so itself.
      const drained = this.server.isRunning() ? this.#drain(timeoutMs) : undefined;
      try {
        await this.server.stop({ timeoutMs });
      } finally {
        await drained;
        this.#stopping = false;
      }
    });
  }

  /** Stops it if it runs, or once it has started. */
  async close(): Promise<void> {
    try {
      await this.stop();
    } catch (thrown) {
      if (!(thrown instanceof ServerError) || thrown.code !== 'BERTH_FUNCTION_SERVER_NOT_RUNNING') throw thrown;
    }
  }

  /** No call may come in once a drain has begun, even if the server has not begun to stop. */
  isRunning(): boolean {
    return this.server.isRunning() && !this.#stopping;
  }

  info(): ServerInfo {
    return this.server.info();
  }

  #drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    return this.local.drain(timeoutMs);
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#last.then(step);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
