import { BerthError } from '@berth/errors';
import type { Log } from '@berth/observability';
import type { MemberDefinition } from '../definition/service-definition.js';
import { ServicesError } from '../errors.js';
import { checkObjectId } from '../objects/object-id.js';
import type { ObjectCall, ObjectHost } from '../objects/object-host.js';
import type { ObjectStore } from '../objects/object-store.js';
import { answered, confirmed } from '../objects/store-answer.js';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines } from '../runtime/deadlines.js';
import type { ServedService, ServiceRegistry } from '../runtime/service-registry.js';
import type { ResolvedOptions } from '../runtime/services-options.js';
import { runningCall } from './call-chain.js';
import { AttemptContext } from './call-context.js';
import { type Alarm, CallLimits, timedOut } from './call-limits.js';
import { BLOCKED_MS, logBlocked, logFailure } from './failure-log.js';
import type { Cancellation, Entry, InvocationHandler } from './invocation-handler.js';
import { type Invocation, invocationKey, type InvocationReply, keyProblem } from './invocation.js';
import { decodeInput } from './payload.js';
import { errorReply, okayReply } from './replies.js';
import { MethodThrew, withRetries } from './retries.js';

/** Runs invocations, whatever carried them here: finds the method, reads its input, runs it, writes its result. */
export class Executor {
  /** of all calls that run */
  readonly #alarms = new Deadlines<Alarm>((alarm) => alarm.ring());

  constructor(
    private readonly registry: ServiceRegistry,
    private readonly objects: ObjectHost,
    private readonly store: ObjectStore,
    private readonly options: Pick<ResolvedOptions, 'defaultTimeoutMs' | 'rememberMs'>,
    private readonly log: Log,
  ) {}

  /** The replies are those of checklist B13; the codes are in docs/services.md. */
  readonly handle: InvocationHandler = async (invocation, entry, cancellation) => {
    const startedAt = performance.now();
    const service = this.registry.get(invocation.service);
    const member = service?.members.get(invocation.method);
    member?.stats.began();
    let reply: InvocationReply;
    try {
      const { service: id, method } = invocation;
      if (service === undefined)
        throw new ServicesError('BERTH_SERVICE_NOT_FOUND', `no service '${id}' here; cls_id is 'package.Service'`);
      if (member === undefined)
        throw new ServicesError('BERTH_SERVICE_METHOD_NOT_FOUND', `service '${id}' has no method '${method}' to call`);
      checkEntry(member.definition, invocation, entry);
      reply = await this.#run(service, member.definition, invocation, cancellation);
    } catch (thrown) {
      const failure = BerthError.from(thrown);
      logFailure(this.log, invocation, failure);
      reply = errorReply(invocation.id, failure);
    }
    member?.stats.ended(reply, (performance.now() - startedAt) / 1000);
    return reply;
  };

  /** The runtime is closed: methods that still run do not keep the process alive. */
  letGo(): void {
    this.#alarms.letGo();
  }

  async #run(
    service: ServedService,
    member: MemberDefinition,
    given: Invocation,
    cancellation: Cancellation | undefined,
  ): Promise<InvocationReply> {
    const latest = steadyNow() + (member.timeoutMs ?? this.options.defaultTimeoutMs);
    const limits = new CallLimits(Math.min(given.deadline ?? latest, latest), cancellation, this.#alarms);
    const decoded = decodeInput(given.payload, member);
    const input: unknown =
      decoded instanceof Promise ? await limits.within(decoded, 'the payload was still being checked') : decoded;
    // An object that was named all the same has no part in a stateless call.
    const invocation = member.stateless && given.objectId !== undefined ? { ...given, objectId: undefined } : given;
    const run = (instance: object, attempt: number): unknown =>
      attemptOf(instance, member, input, new AttemptContext(invocation, limits, attempt), this.log);
    const call = { service, member, invocation, limits, run };
    const { objectId, idempotencyKey } = invocation;
    try {
      if (objectId !== undefined) return await this.objects.call(call, objectId);
      const once = member.delivery === 'at-least-once' && idempotencyKey !== undefined;
      return await (once ? this.#statelessOnce(call, idempotencyKey) : this.#stateless(call));
    } finally {
      limits.over = true;
    }
  }

  /** Unless its reply is remembered. */
  async #statelessOnce(call: ObjectCall, idempotencyKey: string): Promise<InvocationReply> {
    const { invocation, limits } = call;
    const scope = invocationKey(invocation);
    const recalling = this.store.recallReply(scope, idempotencyKey, limits.deadline);
    const earlier = await answered(recalling, limits, NOT_BEGUN);
    if (earlier !== undefined) return { ...earlier, invocationId: invocation.id };
    const reply = await this.#stateless(call);
    const remember = { idempotencyKey, reply, ttlMs: this.options.rememberMs };
    await confirmed(this.store.rememberReply(scope, remember, limits.deadline), limits);
    return reply;
  }

  async #stateless({ service, member, invocation, limits, run }: ObjectCall): Promise<InvocationReply> {
    const shared = service.shared();
    const late = (what: string): Error => {
      // Others do not wait for one that does not come.
      service.forgetShared(shared);
      return timedOut(what);
    };
    const instance =
      shared instanceof Promise ? await limits.within(shared, 'the service was still being made', late) : shared;
    limits.check(NOT_BEGUN);
    return okayReply(await withRetries(member, limits, (attempt) => run(instance, attempt)), invocation);
  }
}

const NOT_BEGUN = 'the method was not begun';

/**
 * Whether a call came in where the method is served (checklist B6), with an object if it needs one, and has nothing
 * that carriers do not know to refuse.
 *
 * @throws ServicesError `BERTH_SERVICE_WRONG_ENTRY`, `BERTH_SERVICE_BAD_OBJECT_ID`, `BERTH_SERVICE_BAD_PAYLOAD`
 */
export function checkEntry(member: MemberDefinition, invocation: Invocation, entry: Entry): void {
  const { method, objectId, deadline, idempotencyKey } = invocation;
  const isOfAgents = member.serveWithAgent;
  if (isOfAgents && entry !== 'agent') throw wrongEntry(`'${method}' is served by agents: call it over the bus`);
  if (!isOfAgents && entry === 'agent')
    throw wrongEntry(`'${method}' is served by the function server: call it over gRPC`);
  if (objectId === undefined && !member.stateless)
    throw wrongEntry(
      `'${method}' belongs to an object: name one, with client.object(id).${member.property}(), or InvokeObj on the wire`,
    );
  const idProblem = objectId === undefined ? undefined : checkObjectId(objectId);
  if (idProblem !== undefined) throw new ServicesError('BERTH_SERVICE_BAD_OBJECT_ID', idProblem);
  if (Number.isNaN(deadline)) throw new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', 'the deadline is no number');
  const problem = idempotencyKey === undefined ? undefined : keyProblem(idempotencyKey);
  if (problem !== undefined) throw new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', `the idempotency key ${problem}`);
}

const wrongEntry = (what: string): ServicesError => new ServicesError('BERTH_SERVICE_WRONG_ENTRY', what);

/** One run of a method, getter or setter; what it throws is marked as its own. */
function attemptOf(
  instance: object,
  member: MemberDefinition,
  input: unknown,
  context: AttemptContext,
  log: Log,
): unknown {
  let result: unknown;
  let pending: Promise<unknown> | undefined;
  const { invocation, limits } = context;
  const startedAt = performance.now();
  try {
    const target = instance as Record<string, unknown>;
    const alone =
      invocation.objectId === undefined && invocation.chain === undefined && runningCall.getStore() === undefined;
    result = alone
      ? use(target, member, input, context)
      : runningCall.run(context, use, target, member, input, context);
    // Here, because what a method returns may throw when it is looked at; and it may be a query that runs in its `then`.
    if (isThenable(result)) pending = Promise.resolve(result);
  } catch (thrown) {
    throw new MethodThrew(thrown);
  } finally {
    const ms = performance.now() - startedAt;
    if (ms >= BLOCKED_MS) logBlocked(log, invocation, ms);
  }
  if (pending === undefined) return result;
  return limits.within(pending, 'the method had not ended', undefined, (thrown) => new MethodThrew(thrown));
}

function use(
  instance: Record<string, unknown>,
  { kind, property }: MemberDefinition,
  input: unknown,
  context: AttemptContext,
): unknown {
  if (kind === 'method') return (instance[property] as AnyFunction).call(instance, input, context);
  if (kind === 'getter') return instance[property];
  instance[property] = input;
  return undefined;
}

type AnyFunction = (...args: unknown[]) => unknown;

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  if (typeof value === 'object' ? value === null : typeof value !== 'function') return false;
  return typeof (value as { then?: unknown }).then === 'function';
}
