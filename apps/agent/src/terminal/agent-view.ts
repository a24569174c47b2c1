import { clock, type LogRecord, printable, type Style } from '@berth/observability';
import type { AgentSettings } from '../agent-settings.js';
import type { AgentAddress } from '../session/agent-address.js';
import { addressBlock, missingUrl, type ServiceState } from './address-block.js';
import { duration, requestLine, type ShownRequest } from './request-line.js';

export interface ViewOptions {
  settings: Pick<AgentSettings, 'id' | 'gateway' | 'protocol'>;
  style: Style;
  /** width of the terminal, as it is now */
  columns: () => number;
  /** requests have lines of their own: then the failure of one has no other */
  showsRequests: boolean;
}

type Lost = LogRecord & { reason: string; retryInMs: number; connections: number };
type Health = LogRecord & { service: string; target: string; reason?: string; awayMs?: number };
type Request = LogRecord & ShownRequest & { leftOut?: number };

const FIRST_STILL_MS = 5000;
const LAST_STILL_MS = 300_000;

/** An agent as people at a terminal see it: a line for each event, and a block of addresses. */
export class AgentView {
  private readonly states = new Map<string, ServiceState>();
  private shown = '';
  private several = false;
  private isConnected = false;
  private lostAt: number | undefined;
  /** of the last loss since the last connection */
  private lastReason = '';
  /** monotonic, ms */
  private toldAt = 0;
  private stillInMs = FIRST_STILL_MS;

  constructor(private readonly options: ViewOptions) {}

  /** The agent is registered (again), or its addresses have changed. @returns text to write */
  addresses({ services }: AgentAddress): string {
    const { settings, style } = this.options;
    const { gateway, id, protocol } = settings;
    const again = this.lostAt === undefined ? '' : ` again after ${duration(performance.now() - this.lostAt)}`;
    const isNew = !this.isConnected;
    this.isConnected = true;
    this.lastReason = '';
    this.lostAt = undefined;
    this.several = services.length > 1;
    const key = JSON.stringify(services);
    const time = clock({ time: new Date().toISOString() }, style);
    if (key === this.shown) return isNew ? `${time} connected${again}\n` : '';
    this.shown = key;
    const head = isNew ? `${id} is connected${again} to ${gateway}` : 'addresses have changed';
    const without = missingUrl(gateway, protocol === 'silo');
    const block = addressBlock(services, without, (name) => this.states.get(name), style);
    return `${time} ${head}\n\n${block}\n`;
  }

  /** @returns text to write; undefined: as other lines */
  readonly see = (record: LogRecord): string | undefined => {
    switch (record.event) {
      case 'registered':
      case 'services_changed':
      case 'goaway':
        // What comes of it is shown: addresses, or a loss.
        return '';
      case 'no_connection':
        return this.lost(record as Lost);
      case 'local_service_up':
      case 'local_service_down':
        return this.health(record as Health);
      case 'exchange_failed':
        return this.options.showsRequests ? '' : undefined;
      case 'request':
        return this.request(record as Request);
      default:
        return undefined;
    }
  };

  private lost(record: Lost): string {
    const { reason, retryInMs, connections } = record;
    const next = `next attempt in ${(retryInMs / 1000).toFixed(1)} s`;
    let what = this.isConnected ? 'disconnected' : 'not connected';
    if (connections > 0) what = 'one of the connections has ended';
    else {
      if (this.isConnected) this.lostAt = performance.now();
      this.isConnected = false;
    }
    if (reason === this.lastReason && connections === 0) return this.still(record);
    this.lastReason = reason;
    this.stillInMs = FIRST_STILL_MS;
    this.toldAt = performance.now();
    return this.line(record, `${this.options.style('yellow', what)}: ${printable(reason)}; ${next}`);
  }

  /** An outage that lasts is told again, less and less often. */
  private still(record: LogRecord): string {
    const now = performance.now();
    if (now - this.toldAt < this.stillInMs) return '';
    this.toldAt = now;
    this.stillInMs = Math.min(2 * this.stillInMs, LAST_STILL_MS);
    return this.line(record, `${this.options.style('yellow', 'still not connected')} for the same reason`);
  }

  private health(record: Health): string {
    const { awayMs, reason = '', service, target } = record;
    const isUp = record.event === 'local_service_up';
    const who = `${printable(target)}${this.several ? ` (${service})` : ''}`;
    this.states.set(service, isUp ? true : reason);
    const { style } = this.options;
    if (!isUp) return this.line(record, `${who} ${style('red', 'does not answer')}: ${printable(reason)}`);
    // What has been there from the start stands with the addresses.
    if (awayMs === undefined && this.shown === '') return '';
    const again = awayMs === undefined ? '' : ` again after ${duration(awayMs)}`;
    return this.line(record, `${who} ${style('green', 'answers')}${again}`);
  }

  private request(record: Request): string {
    const { columns, style } = this.options;
    if (record.leftOut !== undefined) return this.line(record, style('dim', `… and ${record.leftOut} more requests`));
    return this.line(record, requestLine(record, columns(), this.several, style));
  }

  private line(record: LogRecord, text: string): string {
    return `${clock(record, this.options.style)} ${text}\n`;
  }
}
