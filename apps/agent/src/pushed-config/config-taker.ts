import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import type { ConfigAck, ConfigPush } from '@berth/tunnel-protocol';
import type { AgentSettings } from '../agent-settings.js';
import { runCommand } from './config-command.js';
import { writeWhole } from './config-file.js';

/** Pushes that wait or are being applied; further ones are refused. */
const MAX_WAITING = 16;
/** Pushes whose outcome is remembered: one may come again when its connection was lost. */
const MAX_KNOWN = 64;
/** Of what is said about a refusal; the protocol allows 1,024. */
const MAX_ERROR_CHARS = 512;

/** Hands configurations that the gateway pushes to a file, a command or both, one after the other. */
export class ConfigTaker {
  private readonly known = new Map<string, Promise<ConfigAck>>();
  private readonly ending = new AbortController();
  private waiting = 0;
  private last: Promise<unknown> = Promise.resolve();

  /**
   * @param settings of which `file` or `command` is set
   * @param run see {@link runCommand}
   */
  constructor(
    private readonly settings: AgentSettings['configPush'],
    private readonly log: Log,
    private readonly run = runCommand,
  ) {}

  /** Applies one, in its turn, and says what became of it. One that comes again is answered as before. */
  take({ pushId, configJson }: ConfigPush): Promise<ConfigAck> {
    const before = this.known.get(pushId);
    if (before !== undefined) return before;
    const ack = this.enqueue(configJson).then((error) => this.settle(pushId, error));
    this.known.set(pushId, ack);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MAX_KNOWN) break;
      this.known.delete(oldest);
    }
    return ack;
  }

  /** Ends the command that runs, and refuses what waits. */
  stop(): void {
    this.ending.abort();
  }

  private async enqueue(text: string): Promise<string | undefined> {
    if (this.waiting >= MAX_WAITING) return `${MAX_WAITING} configurations wait for their turn already`;
    this.waiting += 1;
    const turn = this.last.then(() => this.apply(text));
    this.last = turn;
    const error = await turn;
    this.waiting -= 1;
    return error;
  }

  /** @returns why it is refused */
  private async apply(text: string): Promise<string | undefined> {
    const { file, command, timeoutMs } = this.settings;
    if (this.ending.signal.aborted) return 'the agent is shutting down';
    if (!isJson(text)) return 'it is no JSON';
    try {
      if (file !== '') await writeWhole(file, text);
      if (command.length === 0) return undefined;
      const wrong = await this.run(command, text, timeoutMs, this.ending.signal);
      return wrong === undefined ? undefined : `the command ${wrong}`;
    } catch (thrown) {
      return `it cannot be applied: ${messageOf(thrown)}`;
    }
  }

  private settle(pushId: string, error: string | undefined): ConfigAck {
    if (error === undefined) this.log.info({ pushId }, 'a configuration was taken');
    else this.log.warn({ pushId, reason: error }, 'a configuration was refused');
    return { pushId, accepted: error === undefined, error: (error ?? '').slice(0, MAX_ERROR_CHARS) };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
