import { type ErrorCode, isErrorCode } from '@berth/errors';
import type { InvocationBus } from '../bus/invocation-bus.js';
import {
  type MemberDefinition,
  requireDefinition,
  type ServiceClass,
  type ServiceDefinition,
} from '../definition/service-definition.js';
import { invalid, InvocationError, ServicesError } from '../errors.js';
import { checkChain, currentChain } from '../invocation/call-chain.js';
import { checkEntry } from '../invocation/executor.js';
import {
  CODE_HEADER,
  type ErrorReplyBody,
  type Invocation,
  type InvocationReply,
  InvocationStatus,
  nextInvocationId,
  NO_OPTIONS,
} from '../invocation/invocation.js';
import { decodeResult, encodeInput } from '../invocation/payload.js';
import { objectIdText } from '../objects/object-id.js';
import type { Services } from '../runtime/services.js';
import { closedClient, GrpcTransport } from './grpc-transport.js';
import type { GrpcTransportOptions } from './grpc-transport-options.js';
import { type CallOptions, checkCallOptions, type Remote, remoteOf } from './remote.js';
import { steadyNow } from '../runtime/clock.js';

/** Where a client finds its service, and what its calls say unless they say otherwise. */
export interface ClientOptions extends Omit<CallOptions, 'signal' | 'idempotencyKey'> {
  /** `host:port` of a function server: for methods that it serves */
  readonly address?: string;
  /** TLS and limits of that connection */
  readonly grpc?: Omit<GrpcTransportOptions, 'address'>;
  /** a bus: for methods with `serveWithAgent`; it stays the caller's to close */
  readonly bus?: InvocationBus;
  /** a runtime of this process: for both, without any socket (checklist B15) */
  readonly services?: Services;
}

/** A service as a client sees it: its stateless methods, its objects, and the client's own words. */
export type ServiceClient<S extends object> = Omit<Remote<S>, 'object' | 'with' | 'close'> & {
  /**
   * One object of the service.
   *
   * @param id a number is refused: ids are 64-bit or text
   * @throws ServicesError `BERTH_SERVICE_BAD_OBJECT_ID`
   */
  object(id: string | bigint, options?: CallOptions): Remote<S>;
  /** The same service with other options for its stateless methods. */
  with(options: CallOptions): Omit<Remote<S>, 'object' | 'with' | 'close'>;
  /**
   * Calls are refused from now on, `BERTH_SERVICE_CANCELLED`, whatever carries
   * them. Closes the connection to the function server; calls under way on it
   * end with that error, those of a bus or of this process go on.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** @internal what waits longer than the service ever runs is the server's deadline to end */
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * A client of a service, typed from its class: over gRPC, over the bus, or in
 * this process, by what it is given. Calls resolve with the method's result.
 * They reject with InvocationError for a reply that is not OKAY, and with
 * ServicesError where there is no reply.
 *
 * @throws ServicesError `BERTH_SERVICE_INVALID` the class is not decorated, or no way to it is given
 */
export function client<S extends object>(service: ServiceClass<S>, options: ClientOptions): ServiceClient<S> {
  const definition = requireDefinition(service);
  const caller = new Caller(definition, options);
  const remote = (objectId: string | undefined, callOptions: CallOptions): Remote<S> => {
    checkCallOptions(definition.id, callOptions);
    return remoteOf<S>(definition, (member, input) => caller.call(member, objectId, input, callOptions));
  };
  const close = (): Promise<void> => caller.close();
  return Object.assign(remote(undefined, {}), {
    object: (id: string | bigint, callOptions: CallOptions = {}) => remote(objectIdText(id), callOptions),
    with: (callOptions: CallOptions) => remote(undefined, callOptions),
    close,
    [Symbol.asyncDispose]: close,
  });
}

/** Brings an invocation to its service. */
type Carrying = Pick<InvocationBus, 'invoke'>;

/** Turns calls of members into invocations, and replies into results. */
class Caller {
  readonly #grpc: GrpcTransport | undefined;
  /** what takes the calls of methods with `serveWithAgent`, and what those of the others */
  readonly #agents: Carrying | undefined;
  readonly #server: Carrying | undefined;
  #closed = false;

  constructor(
    private readonly definition: ServiceDefinition,
    private readonly options: ClientOptions,
  ) {
    checkCallOptions(definition.id, options);
    const { address, grpc, bus, services } = options;
    this.#grpc = address === undefined ? undefined : new GrpcTransport({ ...grpc, address });
    this.#server = this.#grpc ?? services?.localServer();
    this.#agents = bus ?? services?.bus;
    if (this.#server === undefined && this.#agents === undefined)
      throw invalid(`a client of ${definition.id} needs an address, a bus or services`);
  }

  async call(
    member: MemberDefinition,
    objectId: string | undefined,
    input: unknown,
    callOptions: CallOptions,
  ): Promise<unknown> {
    // Bus and runtime stay open for others, and would take the call.
    if (this.#closed) throw closedClient();
    const { delivery, serveWithAgent } = member;
    const invocation = this.#invocation(member, objectId, input, callOptions);
    const transport = serveWithAgent ? this.#agents : this.#server;
    if (transport === undefined) throw this.#noWay(member);
    checkEntry(member, invocation, serveWithAgent ? 'agent' : 'server');
    const { chain, objectId: target } = invocation;
    if (chain !== undefined && target !== undefined) checkChain(chain, invocation, target);
    const reply = await transport.invoke(invocation, { delivery, signal: callOptions.signal });
    if (reply.status !== InvocationStatus.OKAY) throw failureOf(reply);
    return decodeResult(reply);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#grpc?.close();
  }

  #invocation(
    member: MemberDefinition,
    objectId: string | undefined,
    input: unknown,
    {
      timeoutMs = this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      partition = this.options.partition ?? this.options.services?.defaultPartition ?? 0,
      options = this.options.options ?? NO_OPTIONS,
      detached = this.options.detached ?? false,
      idempotencyKey,
    }: CallOptions,
  ): Invocation {
    const id = nextInvocationId();
    return {
      id,
      service: this.definition.id,
      method: member.name,
      partition,
      objectId: member.stateless ? undefined : objectId,
      payload: encodeInput(input, member.input),
      options,
      deadline: steadyNow() + timeoutMs,
      idempotencyKey: member.delivery === 'at-least-once' ? (idempotencyKey ?? id) : undefined,
      chain: detached ? undefined : currentChain(),
    };
  }

  #noWay({ name, serveWithAgent }: MemberDefinition): ServicesError {
    const [by, what] = serveWithAgent ? ['agents', 'a bus'] : ['the function server', 'an address'];
    const message = `'${name}' of ${this.definition.id} is served by ${by}: give the client ${what}`;
    return new ServicesError('BERTH_SERVICE_WRONG_ENTRY', message);
  }
}

/** By status: its name, and the code of a reply that names none. */
const FAILURES: Readonly<Record<number, readonly [InvocationError['status'], ErrorCode]>> = {
  [InvocationStatus.INVALID_REQUEST]: ['INVALID_REQUEST', 'BERTH_SERVICE_BAD_PAYLOAD'],
  [InvocationStatus.APP_ERROR]: ['APP_ERROR', 'BERTH_SERVICE_METHOD_FAILED'],
};

/** What a reply that is not OKAY says. Another server's body may be any JSON, or none. */
function failureOf(reply: InvocationReply): InvocationError {
  const [status, usual] = FAILURES[reply.status] ?? ['SYSTEM_ERROR', 'BERTH_INTERNAL'];
  const body = decodeResult(reply);
  const error = isErrorBody(body) ? body.error : { code: '', message: `the call ended with ${status}` };
  const said = reply.headers[CODE_HEADER] ?? error.code;
  const code = isErrorCode(said) ? said : usual;
  return new InvocationError(status, code, error.code === '' ? code : error.code, error.message, error.details);
}

function isErrorBody(body: unknown): body is ErrorReplyBody {
  const error = (body as Partial<ErrorReplyBody> | null | undefined)?.error as
    Partial<ErrorReplyBody['error']> | undefined;
  return typeof error?.code === 'string' && typeof error.message === 'string';
}
