import type { ReportedHealth } from './health/connection-health.js';
import type { Member } from './member.js';
import type { PoolConnection } from './pool-connection.js';

/** Of what an agent says of itself, characters that are kept. */
const MAX_DETAIL_CHARS = 256;

/**
 * Takes what is heard of a connection to its health in the pool, and to those who
 * wait for room (checklist C7, C13, C16). Signals may come in any order and number:
 * one that changes nothing does nothing.
 */
export class MemberSignals<C extends PoolConnection> {
  private paused = false;

  /**
   * @param roomMade to be told when another exchange may begin
   * @param now monotonic ms
   */
  constructor(
    private readonly member: Member<C>,
    readonly roomMade: () => void,
    private readonly now: () => number,
  ) {}

  pingLate(late: boolean): void {
    const { health } = this.member;
    if (late) health.pingMissed(this.now());
    else {
      health.pingAnswered(this.now());
      this.roomMade();
    }
  }

  healthReported(health: ReportedHealth, detail: string): void {
    this.member.health.reports(health, detail.slice(0, MAX_DETAIL_CHARS), this.now());
    if (health === 'healthy') this.roomMade();
  }

  pauseAsked(paused: boolean): void {
    if (this.paused === paused) return;
    this.paused = paused;
    const { health } = this.member;
    if (paused) health.paused('the agent asks for a pause', this.now());
    else {
      health.resumed(this.now());
      this.roomMade();
    }
  }
}
