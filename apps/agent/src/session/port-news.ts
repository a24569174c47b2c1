import type { Log } from '@berth/observability';
import type { ServicePort } from '@berth/tunnel-protocol';

/** What can be done about a port that was refused for good, by the gateway's code. */
const ADVICE: Readonly<Record<string, string>> = {
  BERTH_PORT_NOT_REQUESTABLE:
    'leave its wish out (ports), wish for another one, or have the gateway allow it (agentPorts.requestable)',
  BERTH_PORT_STATIC: 'leave its wish out (ports), or wish for the port that the gateway has for it',
  BERTH_PORT_KIND_UNSUPPORTED: 'expose it by a target of another kind, or let the gateway be updated',
};

/** Tells the log, once for each local service and reason, that it has no port; and when it has one after all. */
export class PortNews {
  /** code of each that has none */
  private readonly without = new Map<string, string>();

  constructor(private readonly log: Pick<Log, 'info' | 'warn'>) {}

  /** @param ports of all local services, as a gateway gave them */
  tell(ports: readonly ServicePort[]): void {
    for (const { name, port, code, message } of ports) {
      const before = this.without.get(name) ?? '';
      if (code === before) continue;
      if (code === '') {
        this.without.delete(name);
        this.log.info({ service: name, port }, 'a local service has its port after all');
        continue;
      }
      this.without.set(name, code);
      const advice = ADVICE[code];
      const hint = advice === undefined ? '' : `; ${advice}`;
      this.log.warn({ service: name, code }, `the gateway has no port for a local service: ${message}${hint}`);
    }
    for (const name of this.without.keys()) if (!ports.some((port) => port.name === name)) this.without.delete(name);
  }
}
