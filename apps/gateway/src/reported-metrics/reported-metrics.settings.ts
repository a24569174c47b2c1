import { type Frozen, Integer, MAX_MS } from '@berth/config';
import { registerAs } from '@nestjs/config';

export class ReportedMetricsSettings {
  @Integer(0, 1_000_000, {
    description:
      'Series of its own that one agent may have in `GET /metrics`, all its replicas together; 0: none are taken.',
  })
  maxSeries = 10_000;

  @Integer(1, MAX_MS, { description: 'Time after which a series that an agent reports no more is dropped.' })
  expireMs = 300_000;
}

export const reportedMetricsConfig = registerAs(
  'berth.reported-metrics',
  (): Frozen<ReportedMetricsSettings> => new ReportedMetricsSettings(),
);
