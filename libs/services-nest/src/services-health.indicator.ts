import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { type HealthReport, Services } from 'berth-services';
import { ServicesLifecycle } from './services-lifecycle.js';

export interface ServicesHealthOptions {
  /** whether too many errors of a service are `down`; default false: `degraded`, which is HTTP 200 */
  readonly failOnWarn?: boolean;
}

/** Sentences of one kind in an answer; a thousand agents would bury the rest. */
const MAX_SENTENCES = 10;

/**
 * The services as a terminus indicator (checklist B17):
 *
 * - `up`;
 * - `degraded` with `warnings`: more than 10 % of a service's calls of the last
 *   one to two minutes failed, see {@link ServicesHealthOptions.failOnWarn};
 * - `down` with `problems`: bus or store cannot be reached, or an agent or the
 *   function server does not run that the settings start.
 *
 * It asks nobody, and answers at once.
 */
@Injectable()
export class ServicesHealthIndicator {
  constructor(
    @Inject(HealthIndicatorService) private readonly indicator: HealthIndicatorService,
    @Inject(Services) private readonly services: Services,
    @Inject(ServicesLifecycle) private readonly lifecycle: ServicesLifecycle,
  ) {}

  /** @param key under which the result stands, such as `services` */
  isHealthy<const K extends string>(
    key: K,
    { failOnWarn = false }: ServicesHealthOptions = {},
  ): HealthIndicatorResult<K> {
    const check = this.indicator.check(key);
    const report = this.services.health();
    const problems = [...unreachable(report), ...this.lifecycle.missing()];
    const warnings = warningsOf(report);
    const data = {
      bus: report.bus.state,
      store: report.store.state,
      server: report.server.running ? 'running' : 'stopped',
      agents: report.agents,
      ...(problems.length === 0 ? {} : { problems: shortened(problems) }),
      ...(warnings.length === 0 ? {} : { warnings: shortened(warnings) }),
    };
    if (problems.length > 0 || (failOnWarn && warnings.length > 0)) return check.down(data);
    return warnings.length > 0 ? check.degraded(data) : check.up(data);
  }
}

function unreachable(report: HealthReport): string[] {
  return (['bus', 'store'] as const)
    .filter((part) => report[part].state !== 'up')
    .map((part) => `the ${part} is ${report[part].state}${because(report[part].reason)}`);
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}

function warningsOf(report: HealthReport): string[] {
  return Object.entries(report.services)
    .filter(([, { status }]) => status === 'warn')
    .map(([id, { calls, errors, errorRate }]) => `${errors} of ${calls} calls of ${id} failed (${percent(errorRate)})`);
}

function percent(rate: number): string {
  return `${(rate * 100).toFixed(1)} %`;
}

function shortened(sentences: readonly string[]): string[] {
  const more = sentences.length - MAX_SENTENCES;
  return more <= 0 ? [...sentences] : [...sentences.slice(0, MAX_SENTENCES), `and ${more} more`];
}
