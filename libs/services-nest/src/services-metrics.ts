import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Registry, type RegistryContentType } from 'prom-client';
import { registerServicesMetrics, Services } from 'berth-services';
import { SERVICES_SETTINGS, type ServicesSettings } from './services-module-options.js';

/**
 * The metrics of the application's services (checklist B17), in the registry of
 * the settings or in one of their own. No path is taken for them; a controller
 * shows them where the application wants them:
 *
 * ```ts
 * @Controller('metrics')
 * class MetricsController {
 *   constructor(@Inject(ServicesMetrics) private readonly metrics: ServicesMetrics) {}
 *   @Get() @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8') show() { return this.metrics.text(); }
 * }
 * ```
 */
@Injectable()
export class ServicesMetrics implements OnApplicationShutdown {
  readonly registry: Registry<RegistryContentType>;
  readonly #unregister: () => void;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` the given registry shows another runtime already */
  constructor(@Inject(Services) services: Services, @Inject(SERVICES_SETTINGS) { metrics }: ServicesSettings) {
    this.registry = metrics?.registry ?? new Registry();
    this.#unregister = registerServicesMetrics(services, this.registry);
  }

  /** All of the registry, as text of its content type. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** A given registry may outlive the application, and be given to the next one. */
  onApplicationShutdown(): void {
    this.unregister();
  }

  /** Takes the services' metrics out of the registry; again: nothing. */
  unregister(): void {
    this.#unregister();
  }
}
