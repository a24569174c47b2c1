import { LatencyHistogram } from './latency-histogram.js';

/** Why exchanges were cancelled before their end (checklist C11). */
export interface Cancellations {
  client_disconnect: number;
  timeout: number;
  upstream_error: number;
  proxy_shutdown: number;
  manual: number;
}

/**
 * Figures of one agent's exchanges. Plain fields: the data path adds to them,
 * and the metrics registry reads them when it is asked.
 */
export class ExchangeStats {
  requests = 0;
  /** answers that Berth gave because the agent or its service could not */
  errors = 0;
  /** the same by their code */
  readonly errorCodes = new Map<string, number>();
  /** what never became an exchange, by the code that it was answered with */
  readonly refusedCodes = new Map<string, number>();
  /** what a rule of the port has kept out, by the setting of the rule */
  readonly refusedByRule = new Map<string, number>();
  /** TLS handshakes of clients that came to nothing, by reason */
  readonly tlsFailures = new Map<string, number>();
  upgrades = 0;
  /** requests that were tried once more */
  retries = 0;
  /** those that might have been, and were not, because too many are */
  retriesRefused = 0;
  readonly cancelled: Cancellations = {
    client_disconnect: 0,
    timeout: 0,
    upstream_error: 0,
    proxy_shutdown: 0,
    manual: 0,
  };
  /** body bytes, client to service */
  bytesIn = 0;
  /** body bytes, service to client */
  bytesOut = 0;
  /** answers by class of their status, 1xx (upgrades) to 5xx; at 0 those with a status that HTTP does not know */
  readonly statusClasses = [0, 0, 0, 0, 0, 0];
  /** from the request's head to the end of its answer */
  readonly latency = new LatencyHistogram();
  /** from the request's head to the head of the service's answer */
  readonly firstByte = new LatencyHistogram();

  /** @param code one of a fixed set: nobody else may choose it */
  countError(code: string): void {
    this.errors += 1;
    countUp(this.errorCodes, code);
  }

  /** Counts an answer, whoever gave it. */
  countAnswer(status: number): void {
    const statusClass = status < 600 ? Math.floor(status / 100) : 0;
    this.statusClasses[statusClass] = (this.statusClasses[statusClass] as number) + 1;
  }
}

/** @param name one of a fixed set: nobody else may choose it */
export function countUp(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
