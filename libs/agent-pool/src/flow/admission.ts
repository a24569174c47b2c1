import type { BerthError } from '@berth/errors';
import type { AgentPool } from '../agent-pool.js';
import { type Obstacle, refusal } from '../candidates.js';
import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';
import { type Ticket, WaitingQueue } from './waiting-queue.js';

/**
 * What happens while all connections are paused (checklist C7): an error at once,
 * the exchange goes on as if nothing had been said, or it waits and then fails.
 */
export type FlowMode = 'failClosed' | 'failOpen' | 'waitAndRetry';

export interface AdmissionOptions {
  mode: FlowMode;
  /** with `waitAndRetry`: for how long, ms */
  pauseWaitMs: number;
  /** who may wait at once for room, and as many for the end of a pause; 0: nobody */
  maxWaiting: number;
  /** for how long one waits for room, ms */
  maxWaitMs: number;
  /** monotonic ms */
  now: () => number;
}

export const ADMISSION_DEFAULTS: Readonly<AdmissionOptions> = {
  mode: 'failClosed',
  pauseWaitMs: 100,
  maxWaiting: 1000,
  maxWaitMs: 5000,
  now: () => performance.now(),
};

/** Who wants to begin an exchange. One of the two is called, once. */
export interface Entrant<C extends PoolConnection> {
  /** the replica that it should go to, while that is fit and has room */
  readonly replicaId?: string | undefined;
  /** to be begun at once, before this call returns */
  begin(member: Member<C>): void;
  refused(error: BerthError): void;
}

export type Waiting<C extends PoolConnection> = Ticket<Entrant<C>>;

/**
 * Lets exchanges into a pool: at once where there is room, else after a bounded
 * and fair wait (checklist C7, C10, C11). `roomMade` is to be called whenever there
 * may be room: an exchange has ended, an agent resumes, a connection has come.
 */
export class Admission<C extends PoolConnection> {
  /** exchanges that met nothing but paused connections and were refused, or sent all the same */
  flowRejections = 0;
  private readonly options: Readonly<AdmissionOptions>;
  private readonly forRoom: WaitingQueue<Entrant<C>>;
  private readonly forResume: WaitingQueue<Entrant<C>>;
  /** why nobody is let in any more */
  private closedBy: BerthError | undefined;
  /** {@link wake} is due */
  private waking = false;

  constructor(
    private readonly pool: AgentPool<C>,
    options: Partial<AdmissionOptions> = {},
  ) {
    this.options = { ...ADMISSION_DEFAULTS, ...options };
    const { maxWaiting, maxWaitMs, pauseWaitMs, now } = this.options;
    this.forRoom = new WaitingQueue({ maxWaiting, maxWaitMs, now }, (late) => {
      late.refused(refusal(pool.agentId, 'full', pool.inFlight));
    });
    this.forResume = new WaitingQueue({ maxWaiting, maxWaitMs: pauseWaitMs, now }, (late) => {
      this.rejectPaused(late);
    });
  }

  get waiting(): number {
    return this.forRoom.size + this.forResume.size;
  }

  /**
   * Begins an exchange now, or later, or refuses it.
   *
   * @param key who shares a place in the queue, such as the client's address
   * @returns what {@link cancel} takes, while it waits
   */
  enter(key: string, entrant: Entrant<C>): Waiting<C> | undefined {
    // Nobody overtakes those who wait.
    if (this.waiting > 0) this.wake();
    const member = this.pool.pick(undefined, entrant.replicaId);
    if (member === undefined) return this.obstructed(this.pool.obstacle(), key, entrant);
    entrant.begin(member);
    return undefined;
  }

  /** Begins what can begin, at the end of this turn of the event loop: it may come from the middle of anything. */
  roomMade(): void {
    if (this.waking || this.waiting === 0) return;
    this.waking = true;
    setImmediate(this.wake);
  }

  private readonly wake = (): void => {
    this.waking = false;
    this.serve(this.forRoom);
    this.serve(this.forResume);
  };

  /** Ends a wait; the entrant hears nothing. False when it was over. */
  cancel(waiting: Waiting<C>): boolean {
    return this.forRoom.leave(waiting) || this.forResume.leave(waiting);
  }

  /** Refuses all who wait. */
  refuseAll(error: BerthError): void {
    for (const entrant of [...this.forRoom.clear(), ...this.forResume.clear()]) entrant.refused(error);
  }

  /** As {@link refuseAll}; whoever comes later and finds no connection is told the same. */
  close(error: BerthError): void {
    this.closedBy = error;
    this.refuseAll(error);
  }

  private serve(queue: WaitingQueue<Entrant<C>>): void {
    while (queue.size > 0) {
      const member = this.pool.pick();
      if (member === undefined) return;
      const entrant = queue.next();
      const { replicaId } = entrant ?? {};
      entrant?.begin(replicaId === undefined ? member : (this.pool.pick(undefined, replicaId) ?? member));
    }
  }

  private obstructed(obstacle: Obstacle, key: string, entrant: Entrant<C>): Waiting<C> | undefined {
    if (obstacle === 'paused') return this.paused(key, entrant);
    const isRoomAsked = obstacle === 'congested' || obstacle === 'full';
    const ticket = isRoomAsked ? this.forRoom.join(key, entrant) : undefined;
    if (ticket === undefined)
      entrant.refused(this.closedBy ?? refusal(this.pool.agentId, obstacle, this.pool.inFlight));
    return ticket;
  }

  private paused(key: string, entrant: Entrant<C>): Waiting<C> | undefined {
    const { mode } = this.options;
    if (mode === 'waitAndRetry') {
      const ticket = this.forResume.join(key, entrant);
      if (ticket !== undefined) return ticket;
    }
    const member = mode === 'failOpen' ? this.pool.pickPaused() : undefined;
    if (member === undefined) {
      this.rejectPaused(entrant);
      return undefined;
    }
    this.flowRejections += 1;
    entrant.begin(member);
    return undefined;
  }

  private rejectPaused(entrant: Entrant<C>): void {
    this.flowRejections += 1;
    entrant.refused(refusal(this.pool.agentId, 'paused', this.pool.inFlight));
  }
}
