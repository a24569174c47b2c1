import { Counter, Gauge, type Registry } from 'prom-client';
import { type ConfigReload, RELOAD_RESULTS } from '../reload/index.js';

/** How often settings were looked up while the gateway ran, and when that last went well. */
export function showReloads(registry: Registry, reloads: ConfigReload): void {
  new Counter({
    name: 'berth_config_reloads_total',
    help: 'Settings looked up again, by what came of it',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset();
      for (const result of RELOAD_RESULTS) this.inc({ result }, reloads.counts[result]);
    },
  });
  new Gauge({
    name: 'berth_config_last_good_seconds',
    help: 'When settings were last looked up and found to be fine, seconds since the epoch',
    registers: [registry],
    collect() {
      this.set(reloads.lastGoodSeconds);
    },
  });
}
