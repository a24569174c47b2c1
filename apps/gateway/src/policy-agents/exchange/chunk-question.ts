import type { AgentAnswer, AskedEvent } from '@berth/policy-agents';
import type { Case } from './case.js';
import type { Member, Side } from './member.js';
import type { Question } from './panel.js';

/** What has been said to one agent of the body. */
interface Told {
  chunks: number;
  bytes: number;
  /** all of it */
  last: boolean;
}

/** The chunks of one body, as its agents are asked about them one after the other. */
export class ChunkQuestion implements Question {
  readonly side: Side;
  /** what is being asked about; what comes in its place, when it has been */
  data: Buffer = Buffer.alloc(0);
  isLast = false;
  private readonly told: ReadonlyMap<Member, Told>;

  /**
   * @param total bytes that the head says; undefined: it does not
   * @param held bytes that are held now
   */
  constructor(
    private readonly it: Case,
    private readonly kind: 'requestBody' | 'responseBody',
    members: readonly Member[],
    private readonly total: number | undefined,
    private readonly held: () => number,
  ) {
    this.side = kind === 'requestBody' ? 'request' : 'response';
    this.told = new Map(members.map((member) => [member, { chunks: 0, bytes: 0, last: false }]));
  }

  /** There are agents that do not know yet that the body has ended. */
  get isOpen(): boolean {
    return [...this.told.values()].some(({ last }) => !last);
  }

  eventFor(member: Member): AskedEvent | undefined {
    const told = this.told.get(member);
    const { data, isLast, it } = this;
    if (told === undefined || told.last || (data.length === 0 && !isLast)) return undefined;
    const chunkIndex = told.chunks;
    told.chunks += 1;
    told.bytes += data.length;
    told.last = isLast;
    return {
      kind: this.kind,
      correlationId: it.correlationId,
      chunkIndex,
      data,
      isLast,
      totalSize: this.total,
      bytesTransferred: told.bytes,
      bufferAvailable: Math.max(0, it.mostHeldFor(member) - this.held()),
      timestampMs: it.now(),
    };
  }

  isLastFor(): boolean {
    return this.isLast;
  }

  take(member: Member, answer: AgentAnswer): string | undefined {
    const { mode, mutableBodies, maxHeldBytes } = this.it.options;
    const mutation = this.kind === 'requestBody' ? answer.requestBody : answer.responseBody;
    if (mutation?.data === undefined) return undefined;
    const asked = (this.told.get(member)?.chunks ?? 0) - 1;
    if (mutation.chunkIndex !== asked) return 'a change to another chunk than the one that was asked about';
    if (mode === 'parallel') return 'a change to a body, while agents are asked side by side (inspect.mode)';
    if (!mutableBodies && mutation.data.length !== this.data.length)
      return 'a change to the length of a body (inspect.mutableBodies)';
    if (mutation.data.length > maxHeldBytes) return 'a chunk larger than inspect.maxHeldBytes';
    this.data = mutation.data;
    return undefined;
  }
}
