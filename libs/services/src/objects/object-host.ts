import { ServicesError } from '../errors.js';
import type { MemberDefinition } from '../definition/service-definition.js';
import type { CallLimits } from '../invocation/call-limits.js';
import { type Invocation, type InvocationReply, InvocationStatus } from '../invocation/invocation.js';
import { okayReply, statusOf } from '../invocation/replies.js';
import { withRetries } from '../invocation/retries.js';
import type { ServedService } from '../runtime/service-registry.js';
import type { ResolvedOptions } from '../runtime/services-options.js';
import type { Activation } from './activation.js';
import { Activations } from './activations.js';
import type { ObjectKey, ObjectStore, RememberedReply, StoredObject } from './object-store.js';
import { answered, confirmed } from './store-answer.js';

const NOT_BEGUN = 'the method was not begun';
const UNCHECKED = 'whether the method had the newest state cannot be told, and nothing was saved';

export type ObjectHostOptions = Pick<
  ResolvedOptions,
  'maxActiveObjects' | 'maxQueuedPerObject' | 'conflictRetries' | 'rememberMs'
>;

/** One call of an object's method. */
export interface ObjectCall {
  readonly service: ServedService;
  readonly member: MemberDefinition;
  readonly invocation: Invocation;
  readonly limits: CallLimits;
  /** Runs the method on an instance. @throws MethodThrew */
  readonly run: (instance: object, attempt: number) => unknown;
}

/**
 * The objects that are active in this process. Calls of one object run one at a
 * time, in order. A method that throws or is late changes nothing; when another
 * process has saved the object meanwhile, the method runs again on the new
 * state, so that no update is lost.
 */
export class ObjectHost {
  readonly #active: Activations;

  constructor(
    private readonly store: ObjectStore,
    private readonly options: ObjectHostOptions,
  ) {
    this.#active = new Activations(options.maxActiveObjects);
  }

  /** Objects in memory. */
  get size(): number {
    return this.#active.size;
  }

  /**
   * @throws ServicesError `BERTH_SERVICE_METHOD_FAILED`, `_REFUSED`, `_BAD_RESULT`, `_TIMEOUT`, `_CANCELLED`,
   *   `_BUSY`, `_STATE_CONFLICT`, `_STORE_UNAVAILABLE`, `_OUTCOME_UNKNOWN`
   */
  call(call: ObjectCall, objectId: string): Promise<InvocationReply> {
    const key = { service: call.service.definition.id, partition: call.invocation.partition, objectId };
    return this.#inTurn(call.service, key, call.limits, (activation) => this.#call(call, activation, key));
  }

  /** Forgets an object, in the store and here, in its turn. @returns whether the store had it */
  delete(service: ServedService, key: ObjectKey): Promise<boolean> {
    return this.#inTurn(service, key, undefined, (activation) => {
      activation.forget();
      return this.store.delete(key);
    });
  }

  async #inTurn<T>(
    service: ServedService,
    key: ObjectKey,
    limits: CallLimits | undefined,
    work: (activation: Activation) => Promise<T>,
  ): Promise<T> {
    const activation = this.#active.use(service, key);
    const turn = activation.turn.enter(this.options.maxQueuedPerObject, limits);
    if (turn !== undefined) await turn;
    try {
      return await work(activation);
    } finally {
      activation.turn.leave();
      this.#active.release(activation);
    }
  }

  async #call(call: ObjectCall, activation: Activation, key: ObjectKey): Promise<InvocationReply> {
    const { invocation, member, limits } = call;
    const idempotencyKey = member.delivery === 'at-least-once' ? invocation.idempotencyKey : undefined;
    // A key counts for one method: names have no '/'.
    const remembered = idempotencyKey === undefined ? undefined : `${member.name}/${idempotencyKey}`;
    const { term } = limits;
    for (let conflicts = 0; ; conflicts += 1) {
      // A getter never saves, which is how others' changes would show.
      const trusted = member.kind !== 'getter' && activation.isNewestIn(term);
      const loading = this.store.load(key, activation.version, remembered, limits.deadline, trusted);
      const stored = await answered(loading, limits, NOT_BEGUN);
      if (stored.reply !== undefined) return { ...stored.reply, invocationId: invocation.id };
      limits.check(NOT_BEGUN);
      activation.refresh(stored, term);
      const reply = await this.#outcome(call, activation, key, stored, remembered);
      if (reply !== undefined) return reply;
      activation.forget();
      if (conflicts >= this.options.conflictRetries)
        throw new ServicesError(
          'BERTH_SERVICE_STATE_CONFLICT',
          `object '${key.objectId}' was saved by somebody else ${conflicts + 1} times while ${member.name} ran; nothing was saved`,
        );
    }
  }

  /** Runs the method and saves what it did. @returns `undefined`: somebody else was faster */
  async #outcome(
    call: ObjectCall,
    activation: Activation,
    key: ObjectKey,
    { unasked = false, version }: StoredObject,
    remembered: string | undefined,
  ): Promise<InvocationReply | undefined> {
    const { member, limits } = call;
    // What is not saved would not show that it came from an old state.
    const isNewest = async (): Promise<boolean> => {
      const asking = this.store.load(key, version, undefined, limits.deadline);
      const now = await answered(asking, limits, UNCHECKED);
      return now.version === version && now.state === undefined;
    };
    try {
      const reply = await this.#attempt(call, activation);
      const state = stateToSave(activation, member);
      if (state === undefined && remembered === undefined) return !unasked || (await isNewest()) ? reply : undefined;
      limits.check('the method had not ended, and nothing was saved');
      return (await this.#save(activation, key, state, remembered, reply, limits)) ? reply : undefined;
    } catch (thrown) {
      // Nobody knows what is left in it.
      activation.drop();
      if (!unasked || !isOfState(thrown) || (await isNewest())) throw thrown;
      return undefined;
    }
  }

  /** Runs the method; an instance in which it failed is not used again. */
  #attempt({ member, limits, run, invocation }: ObjectCall, activation: Activation): Promise<InvocationReply> {
    return withRetries(member, limits, async (attempt) => {
      try {
        const result = run(await activation.instance(limits), attempt);
        return okayReply(result instanceof Promise ? await result : result, invocation);
      } catch (thrown) {
        activation.drop();
        throw thrown;
      }
    });
  }

  /** @returns false: somebody else was faster */
  async #save(
    activation: Activation,
    key: ObjectKey,
    state: string | undefined,
    idempotencyKey: string | undefined,
    reply: InvocationReply,
    limits: CallLimits,
  ): Promise<boolean> {
    const remember: RememberedReply | undefined =
      idempotencyKey === undefined ? undefined : { idempotencyKey, reply, ttlMs: this.options.rememberMs };
    try {
      const saving = this.store.save(key, activation.version ?? 0, state, remember, limits.deadline);
      const version = await confirmed(saving, limits);
      if (version !== undefined) activation.saved(version, state);
      return version !== undefined;
    } catch (thrown) {
      activation.forget();
      throw thrown;
    }
  }
}

/** Whether the object's state may be why: it is not, where time, store or bus were. */
function isOfState(thrown: unknown): boolean {
  return !(thrown instanceof ServicesError) || statusOf(thrown.code) === InvocationStatus.APP_ERROR;
}

/** What has to be saved; what a getter changed is dropped. */
function stateToSave(activation: Activation, { kind, property }: MemberDefinition): string | undefined {
  let state: string | undefined;
  try {
    state = activation.changed();
  } catch (thrown) {
    throw new ServicesError(
      'BERTH_SERVICE_BAD_RESULT',
      `the state that ${property} left cannot be written as JSON`,
      {},
      { cause: thrown },
    );
  }
  if (kind !== 'getter' || state === undefined) return state;
  activation.drop();
  return undefined;
}
