/** How far a push has come: not sent yet, sent and not answered, or one of three ends. */
export const PUSH_STATES = ['pending', 'sent', 'acknowledged', 'failed', 'expired'] as const;
export type PushState = (typeof PUSH_STATES)[number];

/** The feature of an agent that takes pushes. */
export const CONFIG_PUSH = 'config_push';

/** Characters of an agent's or a connection's error that are kept. */
const MAX_ERROR_CHARS = 1024;

/** Most replicas that a push remembers when some of them have gone. */
const MAX_REMEMBERED = 128;

/** A connection over which a push can be sent. */
export interface PushCarrier {
  readonly id: string;
  readonly origin: { readonly instanceId: string };
  /** the agent is on its way out of it */
  readonly leaving: boolean;
  /** @throws Error when it cannot be sent now */
  pushConfig(push: { pushId: string; configJson: string }): void;
}

/** The same, of one agent among several, that may take pushes or not. */
export interface PushTarget extends PushCarrier {
  readonly agentId: string;
  readonly features: ReadonlySet<string>;
}

/** What one replica makes of a push. */
export class Delivery {
  state: PushState = 'pending';
  tries = 0;
  /** why it failed or expired; empty otherwise */
  error = '';
  /** connection that carried the last try */
  carrierId = '';
  /** monotonic ms of the last try */
  sentAt = -Infinity;
  /** monotonic ms since when the replica has no connection; undefined: it has one */
  absentSince: number | undefined;
  /** it expired because its replica never came back */
  gone = false;
  /** ms since the epoch, to be shown */
  settledAt: number | undefined;

  constructor(readonly replicaId: string) {}

  get open(): boolean {
    return this.state === 'pending' || this.state === 'sent';
  }

  settle(state: 'acknowledged' | 'failed' | 'expired', error = ''): void {
    this.state = state;
    this.error = error.slice(0, MAX_ERROR_CHARS);
    this.settledAt = Date.now();
  }
}

/** One configuration on its way to the replicas of one agent (checklist C19). */
export class ConfigPush {
  /** ms since the epoch, to be shown */
  readonly createdAt = Date.now();
  readonly deliveries = new Map<string, Delivery>();
  private json: string;

  /**
   * @param configJson forgotten once the push is over
   * @param bytes its length
   */
  constructor(
    readonly id: string,
    readonly agentId: string,
    configJson: string,
    readonly bytes = Buffer.byteLength(configJson),
  ) {
    this.json = configJson;
  }

  get configJson(): string {
    return this.json;
  }

  get open(): boolean {
    for (const { open } of this.deliveries.values()) if (open) return true;
    return false;
  }

  /** That of its replicas: under way while one is, else the worst. A replica that has gone counts only when all have. */
  get state(): PushState {
    const all = [...this.deliveries.values()];
    const there = all.filter(({ gone }) => !gone);
    const states = new Set((there.length > 0 ? there : all).map(({ state }) => state));
    const order: readonly PushState[] = ['sent', 'pending', 'failed', 'expired', 'acknowledged'];
    return order.find((state) => states.has(state)) ?? 'pending';
  }

  /** One more replica is to have it. */
  add(replicaId: string): void {
    if (this.deliveries.size >= MAX_REMEMBERED) {
      const gone = [...this.deliveries.values()].find(({ absentSince }) => absentSince !== undefined);
      if (gone !== undefined) this.deliveries.delete(gone.replicaId);
    }
    this.deliveries.set(replicaId, new Delivery(replicaId));
  }

  /** Nobody needs the configuration any more. */
  forgetJson(): void {
    this.json = '';
  }
}
