import { jest } from '@jest/globals';
import { BerthError } from '@berth/errors';
import fc from 'fast-check';
import { AgentLab, NOTHING_LEFT } from '../../testing/agent-lab.js';
import { type Asked, chunkEvent, completeEvent, FakeLink, headersEvent, isAsked } from '../../testing/fake-link.js';
import { type Conversation, correlationOf, type PolicyAgentOptions } from '../index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** One question, as the one who asks sees it. */
interface Put {
  readonly number: number;
  settled: number;
  /** number of the question that the agent meant, when it answered */
  answeredFor?: number;
  error?: string;
}

/** An agent with several links and a few exchanges, in which anything may happen next. */
class World {
  readonly lab: AgentLab;
  readonly questions: Put[] = [];
  readonly links: FakeLink[] = [];
  readonly talks: { id: string; talk: Conversation; asked: boolean }[] = [];
  /** events that an agent has received and not answered, with the questions that they belong to */
  private readonly open: { link: FakeLink; event: Asked; number: number }[] = [];
  private readonly numbers = new Map<Asked, number>();
  private readonly shownTo = new Map<string, Set<FakeLink>>();
  /** what must not be */
  readonly wrong: string[] = [];

  constructor(options: Partial<PolicyAgentOptions>) {
    this.lab = new AgentLab({ timeoutMs: 1000, drainMs: 500, maxInFlightPerConnection: 2, maxWaiting: 3, ...options });
  }

  link(): void {
    const link = new FakeLink();
    link.onSend = (message) => {
      if (!isAsked(message)) return;
      this.checkShown(link, message);
      if (message.kind === 'requestComplete') return;
      this.open.push({ link, event: message, number: this.numbers.get(message) ?? -1 });
    };
    this.links.push(link);
    this.lab.agent.add(link);
  }

  /** What an agent is shown of an exchange begins with its head, and goes to two connections at most. */
  private checkShown(link: FakeLink, event: Asked): void {
    const id = correlationOf(event);
    const links = this.shownTo.get(id) ?? new Set<FakeLink>();
    this.shownTo.set(id, links);
    if (event.kind === 'requestHeaders') links.add(link);
    if (!links.has(link) || links.size > 2) this.wrong.push(`${event.kind} of ${id}`);
    if (event.kind !== 'requestComplete' && this.isAwaited(link, id))
      this.wrong.push(`${event.kind} of ${id} before an answer`);
  }

  /** Of the questions put, one is under way there that nobody has given up. */
  private isAwaited(link: FakeLink, id: string): boolean {
    return this.open.some(
      (open) => open.link === link && correlationOf(open.event) === id && this.questions[open.number]?.settled === 0,
    );
  }

  ask(pick: number): void {
    let talk = this.talks[pick % 4];
    if (talk === undefined) {
      talk = { ...this.lab.begin(), asked: false };
      this.talks.push(talk);
    }
    const event = talk.asked ? chunkEvent(talk.id) : headersEvent(talk.id);
    talk.asked = true;
    const question: Put = { number: this.questions.length, settled: 0 };
    this.questions.push(question);
    this.numbers.set(event, question.number);
    talk.talk.ask(event).then(
      ({ answer, skipped }) => {
        question.settled += 1;
        if (!skipped) question.answeredFor = Number(answer.audit?.tags[0]);
      },
      (error: unknown) => {
        question.settled += 1;
        question.error = (error as BerthError).code;
      },
    );
  }

  /** An agent answers one of the events that it has, however old that is. */
  answer(pick: number): void {
    const [open] = this.open.splice(pick % Math.max(1, this.open.length), 1);
    if (open === undefined) return;
    const audit = { tags: [String(open.number)], ruleIds: [], reasonCodes: [], custom: {} };
    open.link.answers(correlationOf(open.event), { audit });
  }

  over(pick: number, isCut: boolean): void {
    const index = pick % Math.max(1, this.talks.length);
    const talk = this.talks[index];
    if (talk === undefined) return;
    if (isCut) talk.talk.cancel('clientDisconnect');
    else talk.talk.end(completeEvent(talk.id));
    this.talks.splice(index, 1);
  }

  at(pick: number): FakeLink | undefined {
    return this.links.filter(({ isClosed }) => !isClosed)[pick % 3];
  }

  flow(pick: number, paused: boolean, ofExchange: boolean): void {
    const action = paused ? 'pause' : 'resume';
    const correlationId = ofExchange ? this.talks[pick % 4]?.id : undefined;
    if (ofExchange && correlationId === undefined) return;
    for (const link of this.links) link.comes({ kind: 'flow', action, correlationId, timestampMs: 0 });
  }

  reading(pick: number, reads: boolean): void {
    const link = this.at(pick);
    if (link === undefined) return;
    link.takes = reads;
    if (reads) link.receiver.drained();
  }
}

type Step = (world: World, pick: number, flag: boolean) => unknown;

const STEPS: Record<string, Step> = {
  link: (world) => world.links.length < 6 && world.link(),
  ask: (world, pick) => world.ask(pick),
  answer: (world, pick) => world.answer(pick),
  over: (world, pick, isCut) => world.over(pick, isCut),
  end: (world, pick, isGarbage) =>
    world.at(pick)?.end(isGarbage ? new BerthError('BERTH_PROTOCOL_ERROR', 'garbage') : undefined),
  pause: (world, pick, ofExchange) => world.flow(pick, true, ofExchange),
  resume: (world, pick, ofExchange) => world.flow(pick, false, ofExchange),
  reading: (world, pick, reads) => world.reading(pick, reads),
  drained: ({ lab }, _, drained) => lab.agent.setDrained(drained),
  reconnect: ({ lab }, pick) => pick < 20 && lab.agent.reconnect(),
  wait: (_, pick) => jest.advanceTimersByTimeAsync(pick * 20),
};
/** Some are more frequent. */
const NAMES = [...Object.keys(STEPS), ...'ask ask ask ask answer answer over reading wait resume'.split(' ')];

const step = fc.tuple(fc.constantFrom(...NAMES), fc.nat(100), fc.boolean());

describe('C7, C10, C11, C14: whatever happens in whatever order', () => {
  it.each(['failClosed', 'failOpen', 'waitAndRetry'] as const)(
    'each question ends once, with its own answer or none, and nothing is left over: %s',
    async (flowMode) => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('open' as const, 'closed' as const),
          fc.array(step, { minLength: 10, maxLength: 100 }),
          async (failMode, steps) => {
            const world = new World({ failMode, flowMode, breaker: { failures: 4, openMs: 300 } });
            world.link();
            for (const [name, pick, flag] of steps) {
              await STEPS[name]?.(world, pick, flag);
              const { inFlight, connections } = world.lab.agent.figures();
              expect(inFlight).toBeGreaterThanOrEqual(0);
              for (const connection of connections) expect(connection.inFlight).toBeLessThanOrEqual(2);
            }
            await jest.advanceTimersByTimeAsync(10_000);
            for (const { settled, number, answeredFor = number, error } of world.questions) {
              expect(settled).toBe(1);
              expect(answeredFor).toBe(number);
              if (error !== undefined) expect(['BERTH_POLICY_UNAVAILABLE', 'BERTH_CONNECTION_CLOSED']).toContain(error);
            }
            expect(world.wrong).toEqual([]);
            while (world.talks.length > 0) world.over(0, true);
            expect(world.lab.leftOver).toEqual(NOTHING_LEFT);
            await world.lab[Symbol.asyncDispose]();
            expect(world.links.every(({ isClosed }) => isClosed)).toBe(true);
          },
        ),
        { numRuns: 300 },
      );
    },
    60_000,
  );
});
