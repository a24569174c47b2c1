import type { Log } from '@berth/observability';
import type { Tracer } from './tracer.js';
import type { TracingSettings } from './tracing.settings.js';

/** Who makes the spans. */
export interface TracerFacts {
  /** `service.name` of OpenTelemetry */
  readonly name: string;
  readonly version: string;
  /** `service.instance.id` */
  readonly instance: string;
}

/** @returns what makes spans; undefined where the settings want none, and then nothing of OpenTelemetry is loaded */
export async function loadTracer(
  settings: Readonly<TracingSettings>,
  facts: TracerFacts,
  log: Log,
): Promise<Tracer | undefined> {
  if (settings.endpoint === '') return undefined;
  const { Tracer } = await import('./tracer.js');
  return new Tracer(settings, facts, log);
}
