import type { HealthState } from '@berth/agent-pool';
import { Allowance } from './allowance.js';
import type { Core } from './core.js';
import type { PolicyConnection } from './policy-connection.js';

/** Changes that are told, per second and at once: an agent may change its mind as often as it likes. */
const CHANGES = [4, 16] as const;

/** Tells the owner of an agent how its connections are: every change as long as there are few, else what has become of them. */
export class HealthTeller {
  private readonly told = new Map<PolicyConnection, HealthState>();
  private readonly changes: Allowance;

  constructor(private readonly core: Core) {
    this.changes = new Allowance(...CHANGES, core.now);
  }

  connected(connection: PolicyConnection): void {
    this.told.set(connection, 'healthy');
  }

  gone(connection: PolicyConnection): void {
    this.told.delete(connection);
  }

  /** The health of a connection has changed, or may have since the last time. */
  tell(connection: PolicyConnection): void {
    const health = this.core.pool.of(connection)?.health;
    const before = this.told.get(connection);
    if (health === undefined || before === undefined || before === health.state || !this.changes.take()) return;
    this.told.set(connection, health.state);
    this.core.observer.health(connection.id, before, health.state, health.reason);
  }

  /** Tells what was held back. */
  tick(): void {
    for (const connection of this.told.keys()) this.tell(connection);
  }
}
