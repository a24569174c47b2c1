import type { AgentConnection, AgentPool, Member } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import { ExchangeKind, type ExchangeFailure, ResetCode, type ResponseSink } from '@berth/exchange';
import { VERSION } from '../version.js';

export interface ServiceProbeOptions {
  /** name of the local service */
  service: string;
  /** empty: nothing is asked. It may change. */
  path: string;
  intervalMs: number;
  timeoutMs: number;
}

/** Answers from here on are bad ones. */
const FAULT_STATUS = 500;

/**
 * Asks the local service behind a connection for a path. It is no request of the
 * agent's: no statistics, no strategy.
 *
 * @returns whether it answered, in time and below 500; false as well when nothing could be asked
 */
export function probeLocal(
  connection: AgentConnection,
  { service, path, timeoutMs }: ServiceProbeOptions,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const nothing = (): void => undefined;
  const sink: ResponseSink = {
    informational: nothing,
    head: ({ status }) => {
      finish(status < FAULT_STATUS);
    },
    data: nothing,
    end: nothing,
    failed: (_failure: ExchangeFailure) => {
      finish(false);
    },
    writable: nothing,
  };
  const headers = ['Host', 'localhost', 'User-Agent', `berth-probe/${VERSION}`, 'Accept', '*/*'];
  const openHead = { kind: ExchangeKind.http, method: 'GET', target: path, headers, body: false, service };
  const timer = setTimeout(() => {
    finish(false);
  }, timeoutMs);
  timer.unref();
  let exchange: ReturnType<AgentConnection['open']> | undefined;
  const finish = (passed: boolean): void => {
    clearTimeout(timer);
    resolve(passed);
    // Not from within its own sink: the body is not wanted, and has not been counted yet.
    setImmediate(() => {
      exchange?.reset(ResetCode.cancelled, 'it was a probe');
      exchange?.discard();
    });
  };
  try {
    exchange = connection.open(openHead, sink);
  } catch (thrown) {
    if (!(thrown instanceof BerthError)) throw thrown;
    finish(false);
  }
  return promise;
}

/** Has the replicas of one agent probed, each in its turn, and tells the pool what came of it. */
export class LocalProbe {
  private readonly askedAt = new WeakMap<Member<AgentConnection>['replica'], number>();

  constructor(
    private readonly pool: AgentPool,
    private readonly options: ServiceProbeOptions,
  ) {}

  /** To be called about once a second. @param now monotonic ms */
  tick(now: number): void {
    const replicas = new Set(this.pool.members.map(({ replica }) => replica));
    for (const replica of replicas) {
      if (now - (this.askedAt.get(replica) ?? -Infinity) < this.options.intervalMs) continue;
      const through = this.membersOf(replica).find(({ connection, hasRoom }) => connection.accepting && hasRoom);
      // A full one shows by itself whether its service answers.
      if (through === undefined) continue;
      this.askedAt.set(replica, now);
      void this.ask(through);
    }
  }

  private async ask({ connection, replica }: Member<AgentConnection>): Promise<void> {
    const passed = await probeLocal(connection, this.options);
    // The connection's own end is told by others.
    if (!passed && connection.closed) return;
    for (const { health } of this.membersOf(replica)) health.probed(passed, performance.now());
  }

  private membersOf(replica: Member<AgentConnection>['replica']): Member<AgentConnection>[] {
    return this.pool.members.filter((member) => member.replica === replica);
  }
}
