import { hostname } from 'node:os';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Frozen } from '@berth/config';
import type { Log } from '@berth/observability';
import {
  type GatewayTracingSettings,
  loadTracer,
  type TraceContext,
  type TracedSpan,
  type Tracer,
} from '@berth/tracing';
import { VERSION } from '../version.js';

/** Makes the gateway's spans, where the settings want some; docs/decisions/0043-traces.md. */
export class GatewayTracing implements OnApplicationShutdown {
  private constructor(
    /** undefined: there are no traces */
    private readonly tracer: Tracer | undefined,
    private readonly settings: Frozen<GatewayTracingSettings>,
  ) {}

  static async load(settings: Frozen<GatewayTracingSettings>, log: Log): Promise<GatewayTracing> {
    const facts = { name: 'berth-gateway', version: VERSION, instance: `${hostname()}:${process.pid}` };
    return new GatewayTracing(await loadTracer(settings, facts, log), settings);
  }

  get enabled(): boolean {
    return this.tracer !== undefined;
  }

  get figures(): Tracer['figures'] {
    return this.tracer?.figures ?? { exported: 0, failed: 0, dropped: 0 };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.tracer?.shutdown();
  }

  /**
   * Decides whether a request has a trace, and begins it.
   *
   * @param headers of the request
   * @param attributes made when they are needed
   */
  begin(
    name: string,
    headers: readonly string[],
    attributes: () => Record<string, string | number>,
  ): TracedSpan | undefined {
    const { tracer } = this;
    if (tracer === undefined) return undefined;
    const parent = this.parentOf(tracer, headers);
    if (!this.isMeant(tracer, parent)) return undefined;
    return tracer.begin(name, 'server', attributes, parent);
  }

  private parentOf(tracer: Tracer, headers: readonly string[]): TraceContext | undefined {
    return this.settings.incoming === 'ignore' ? undefined : tracer.contextOf(headers);
  }

  /** A client chooses the id of its trace, so that must not decide. */
  private isMeant(tracer: Tracer, parent: TraceContext | undefined): boolean {
    const { incoming, sample } = this.settings;
    if (incoming === 'trust' && parent !== undefined) return tracer.isSampled(parent);
    return Math.random() < sample;
  }
}
