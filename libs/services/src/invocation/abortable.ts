import type { ServicesError } from '../errors.js';

/** Has a signal that is made when somebody asks for it: most methods never do, and making one costs as much as an empty call. */
export class Abortable {
  #controller: AbortController | undefined;
  #reason: ServicesError | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** why it is aborted */
  get reason(): ServicesError | undefined {
    return this.#reason;
  }

  /** The first reason counts. */
  abort(reason: ServicesError): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}
