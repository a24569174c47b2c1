import { LatencyHistogram } from './latency-histogram.js';

/**
 * Figures of one agent's exchanges. Plain fields: the data path adds to them,
 * and the metrics registry reads them when it is asked.
 */
export class ExchangeStats {
  requests = 0;
  /** answers that Berth gave because the agent or its service could not */
  errors = 0;
  upgrades = 0;
  /** body bytes, client to service */
  bytesIn = 0;
  /** body bytes, service to client */
  bytesOut = 0;
  /** from the request's head to the end of its answer */
  readonly latency = new LatencyHistogram();
}
