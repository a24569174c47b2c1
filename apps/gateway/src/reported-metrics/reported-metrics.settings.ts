import { Integer, MAX_MS } from '@berth/config';

/** What of their own agents may show in the gateway's metrics (checklist C20). */
export class ReportedMetricsSettings {
  @Integer(0, 1_000_000, {
    description:
      'Series of its own that one agent may have in `GET /metrics`, all its replicas together; 0: none are taken.',
    live: true,
  })
  maxSeries = 10_000;

  @Integer(1, MAX_MS, {
    description: 'Time after which a series that an agent reports no more is dropped.',
    live: true,
  })
  expireMs = 300_000;
}
