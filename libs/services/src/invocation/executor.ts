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
import type { ServedMember, ServedService, ServiceRegistry } from '../runtime/service-registry.js';
import { inCall, isInCall } from './call-chain.js';
import { AttemptContext } from './call-context.js';
import { type Alarm, CallLimits, timedOut } from './call-limits.js';
import { BLOCKED_MS, logBlocked, logFailure } from './failure-log.js';
import type { Cancellation, Entry, InvocationHandler } from './invocation-handler.js';
import { type Invocation, invocationKey, type InvocationReply, keyProblem } from './invocation.js';
import { decodeInput } from './payload.js';
import { errorReply, okayReply } from './replies.js';
import { MethodThrew, withRetries } from './retries.js';

export interface ExecutorOptions {
  /** time of a method that names none, ms, 1..2^31-1; default 30,000 */
  readonly defaultTimeoutMs: number;
  /** how long replies of stateless at-least-once methods are remembered, ms */
  readonly rememberMs: number;
}

/** Runs invocations, whatever carried them here: finds the method, reads its input, runs it, writes its result. */
export class Executor {
  /** of all calls that run */
  readonly #alarms = new Deadlines<Alarm>((alarm) => alarm.ring());

  constructor(
    private readonly registry: ServiceRegistry,
    private readonly objects: ObjectHost,
    private readonly store: ObjectStore,
    private readonly options: ExecutorOptions,
    private readonly log: Log,
  ) {}

  /** The replies are those of checklist B13; the codes are in docs/services.md. */
  readonly handle: InvocationHandler = async (invocation, entry, cancellation) => {
    const startedAt = performance.now();
    let member: ServedMember | undefined;
    let reply: InvocationReply;
    try {
      const service = this.#find(invocation);
      member = memberOf(service, invocation);
      member.stats.inFlight += 1;
      checkEntry(member.definition, invocation, entry);
      reply = await this.#run(service, member.definition, invocation, cancellation);
    } catch (thrown) {
      const failure = BerthError.from(thrown);
      logFailure(this.log, invocation, failure);
      reply = errorReply(invocation.id, failure);
    }
    if (member !== undefined) {
      member.stats.inFlight -= 1;
      member.stats.ended(reply, (performance.now() - startedAt) / 1000);
    }
    return reply;
  };

  /** The runtime is closed: methods that still run do not keep the process alive. */
  letGo(): void {
    this.#alarms.letGo();
  }

  #find({ service }: Invocation): ServedService {
    const found = this.registry.get(service);
    if (found === undefined)
      throw new ServicesError('BERTH_SERVICE_NOT_FOUND', `no service '${service}' here; cls_id is 'package.Service'`);
    return found;
  }

  async #run(
    service: ServedService,
    member: MemberDefinition,
    given: Invocation,
    cancellation: Cancellation | undefined,
  ): Promise<InvocationReply> {
    checkInvocation(given);
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
    try {
      return await (invocation.objectId === undefined
        ? this.#stateless(call)
        : this.objects.call(call, invocation.objectId));
    } finally {
      limits.over = true;
    }
  }

  async #stateless(call: ObjectCall): Promise<InvocationReply> {
    const { service, member, invocation, limits, run } = call;
    const idempotencyKey = member.delivery === 'at-least-once' ? invocation.idempotencyKey : undefined;
    const scope = idempotencyKey === undefined ? '' : invocationKey(invocation);
    if (idempotencyKey !== undefined) {
      const earlier = await answered(
        this.store.recallReply(scope, idempotencyKey, limits.deadline),
        limits,
        'the method was not begun',
      );
      if (earlier !== undefined) return { ...earlier, invocationId: invocation.id };
    }
    const shared = service.shared();
    const instance = shared instanceof Promise ? await this.#made(service, shared, limits) : shared;
    if (idempotencyKey !== undefined) limits.check('the method was not begun');
    const reply = okayReply(await withRetries(member, limits, (attempt) => run(instance, attempt)), invocation);
    if (idempotencyKey !== undefined) {
      const remember = { idempotencyKey, reply, ttlMs: this.options.rememberMs };
      await confirmed(this.store.rememberReply(scope, remember, limits.deadline), limits);
    }
    return reply;
  }

  /** One that does not come is not waited for by others. */
  async #made(service: ServedService, making: Promise<object>, limits: CallLimits): Promise<object> {
    try {
      return await limits.within(making, 'the service was still being made');
    } catch (thrown) {
      service.forgetShared(making);
      throw thrown;
    }
  }
}

/** What the carriers do not know to refuse. @throws ServicesError `BERTH_SERVICE_BAD_PAYLOAD` */
function checkInvocation({ deadline, idempotencyKey }: Invocation): void {
  if (Number.isNaN(deadline)) throw new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', 'the deadline is no number');
  const problem = idempotencyKey === undefined ? undefined : keyProblem(idempotencyKey);
  if (problem !== undefined) throw new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', `the idempotency key ${problem}`);
}

function memberOf(service: ServedService, { service: id, method }: Invocation): ServedMember {
  const member = service.members.get(method);
  if (member === undefined)
    throw new ServicesError('BERTH_SERVICE_METHOD_NOT_FOUND', `service '${id}' has no method '${method}' to call`);
  return member;
}

/**
 * Whether a call came in where the method is served (checklist B6), with an
 * object if it needs one.
 *
 * @throws ServicesError `BERTH_SERVICE_WRONG_ENTRY`, `BERTH_SERVICE_BAD_OBJECT_ID`
 */
export function checkEntry(member: MemberDefinition, { method, objectId }: Invocation, entry: Entry): void {
  if (member.serveWithAgent !== (entry === 'agent'))
    throw new ServicesError(
      'BERTH_SERVICE_WRONG_ENTRY',
      member.serveWithAgent
        ? `'${method}' is served by agents: call it over the bus`
        : `'${method}' is served by the function server: call it over gRPC`,
    );
  if (objectId === undefined && !member.stateless)
    throw new ServicesError(
      'BERTH_SERVICE_WRONG_ENTRY',
      `'${method}' belongs to an object: name one, with client.object(id).${member.property}(), or InvokeObj on the wire`,
    );
  const problem = objectId === undefined ? undefined : checkObjectId(objectId);
  if (problem !== undefined) throw new ServicesError('BERTH_SERVICE_BAD_OBJECT_ID', problem);
}

type MemberFunction = (input: unknown, context: AttemptContext) => unknown;

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
    const alone = invocation.objectId === undefined && invocation.chain === undefined && !isInCall();
    result = alone ? use(target, member, input, context) : inCall(context, use, target, member, input, context);
    // Here, because what a method returns may throw when it is looked at; and it may be a query that runs in its `then`.
    if (isThenable(result)) pending = Promise.resolve(result);
  } catch (thrown) {
    throw new MethodThrew(thrown);
  } finally {
    const ms = performance.now() - startedAt;
    if (ms >= BLOCKED_MS) logBlocked(log, invocation, ms);
  }
  if (pending === undefined) return result;
  const late = (what: string): Error => {
    const reason = timedOut(what);
    context.abort(reason);
    return reason;
  };
  return limits.within(pending, 'the method had not ended', late, (thrown) => new MethodThrew(thrown));
}

function use(
  instance: Record<string, unknown>,
  { kind, property }: MemberDefinition,
  input: unknown,
  context: AttemptContext,
): unknown {
  if (kind === 'method') return (instance[property] as MemberFunction).call(instance, input, context);
  if (kind === 'getter') return instance[property];
  instance[property] = input;
  return undefined;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  if (typeof value === 'object' ? value === null : typeof value !== 'function') return false;
  return typeof (value as { then?: unknown }).then === 'function';
}
