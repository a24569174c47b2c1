import { Counter, Gauge, type Registry } from 'prom-client';
import type { ServerReport } from './monitor.js';
import type { PooledServer } from './pooled-server.js';

/** What is shown of a pool. */
type Shown = Iterable<PooledServer> & { monitor(): Promise<ServerReport[]> };

const LABELS = ['server', 'bind'] as const;

/**
 * Shows the servers of a pool to Prometheus. All is read when it is scraped: nothing runs in between, and `up` is the
 * answer to a probe over a real connection.
 *
 * @param prefix of the names: `<prefix>_up`, `_uptime_seconds`, `_connections`, `_requests_total`, `_restarts_total`
 */
export function showPool(registry: Registry, pool: Shown, prefix = 'http_server'): void {
  new Gauge({
    name: `${prefix}_up`,
    help: 'Whether the server runs and answers a probe',
    labelNames: LABELS,
    registers: [registry],
    async collect() {
      this.reset();
      for (const { name, bind, healthy } of await pool.monitor()) this.set({ server: name, bind }, healthy ? 1 : 0);
    },
  });
  gauge(registry, pool, `${prefix}_uptime_seconds`, 'For how long the server listens', (it) => it.uptimeMs / 1000);
  gauge(registry, pool, `${prefix}_connections`, 'Connections open now', (it) => it.connections);
  counter(registry, pool, `${prefix}_requests_total`, 'Requests so far', (it) => it.requests);
  counter(registry, pool, `${prefix}_restarts_total`, 'Times that it was started again', (it) => it.restarts);
}

type Read = (server: PooledServer) => number;

function gauge(registry: Registry, pool: Shown, name: string, help: string, read: Read): void {
  new Gauge({
    name,
    help,
    labelNames: LABELS,
    registers: [registry],
    collect() {
      this.reset();
      for (const server of pool) this.set({ server: server.name, bind: server.key }, read(server));
    },
  });
}

function counter(registry: Registry, pool: Shown, name: string, help: string, read: Read): void {
  new Counter({
    name,
    help,
    labelNames: LABELS,
    registers: [registry],
    collect() {
      this.reset();
      for (const server of pool) this.inc({ server: server.name, bind: server.key }, read(server));
    },
  });
}
