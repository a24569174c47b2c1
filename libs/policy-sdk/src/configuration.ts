import type { ConfigureEvent } from '@berth/policy-agents';
import type { Settings } from './settings.js';
import type { Workplace } from './workplace.js';

/**
 * Takes configurations to `onConfigure`, one at a time. Each connection of a
 * gateway brings the same one; it is given once.
 */
export class Configuration {
  #taken: string | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly settings: Settings<never>,
    private readonly workplace: Workplace,
  ) {}

  /** @throws Error (as a rejection) what is wrong with it */
  take(event: ConfigureEvent): Promise<void> {
    if (this.settings.onConfigure === undefined) return Promise.resolve();
    // Until it has the first one the agent judges nothing: it would judge by other rules.
    const first = this.#taken === undefined;
    if (first) this.workplace.hold();
    const taken = this.#last.then(() => this.#give(event));
    this.#last = taken.then(
      () => undefined,
      () => undefined,
    );
    if (first) void this.#last.then(() => this.workplace.release());
    return taken;
  }

  async #give({ configJson, version, isInitial }: ConfigureEvent): Promise<void> {
    const key = `${version ?? ''}\n${configJson}`;
    if (key === this.#taken) return;
    let config: unknown;
    try {
      config = JSON.parse(configJson);
    } catch {
      throw new Error('the configuration is no JSON');
    }
    await inTime(Promise.resolve(this.settings.onConfigure?.(config, { version, isInitial })), this.settings);
    this.#taken = key;
  }
}

async function inTime(work: Promise<void>, { handlerTimeoutMs }: Settings<never>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`onConfigure took longer than handlerTimeoutMs, ${handlerTimeoutMs} ms`)),
      handlerTimeoutMs,
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
