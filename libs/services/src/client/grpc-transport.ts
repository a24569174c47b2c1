import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from '@berth/errors';
import { Client, type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { BusCallOptions } from '../bus/invocation-bus.js';
import { ServicesError } from '../errors.js';
import type { Invocation, InvocationReply } from '../invocation/invocation.js';
import { forgetSignal, watchSignal } from '../runtime/callers-signal.js';
import { steadyNow, systemTime } from '../runtime/clock.js';
import { decodeReply } from '../wire/replies.js';
import { encodeRequest, INVOKE_FN_PATH, INVOKE_OBJ_PATH, passBuffer } from '../wire/requests.js';
import { type CallFailure, callFailure, isUsedUp } from './grpc-failures.js';
import { type GrpcTransportOptions, transportSettings } from './grpc-transport-options.js';

/** Pauses between attempts, ms: the first, and the longest; half of each is chance. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/** For how long a call without a deadline is sent again, ms. */
const RESEND_MS = 30_000;

const NO_METADATA = new Metadata();

/** Calls services of a function server over gRPC. One HTTP/2 connection, made when it is first needed. */
export class GrpcTransport {
  private client: Client;
  /** the one before, on which calls may still run */
  private former: Client | undefined;
  private readonly connect: () => Client;
  private readonly target: string;
  private readonly maxMessageBytes: number;
  private readonly calls = new Set<ClientUnaryCall>();
  private readonly closing = new AbortController();

  /** @throws ServicesError `BERTH_SERVICE_INVALID` naming an option that is out of range, or a file that cannot be used */
  constructor(private readonly options: GrpcTransportOptions) {
    const { credentials, channelOptions, maxMessageBytes } = transportSettings(options);
    this.maxMessageBytes = maxMessageBytes;
    this.connect = () => new Client(options.address, credentials, channelOptions);
    this.client = this.connect();
    this.target = this.client.getChannel().getTarget();
  }

  /**
   * A call that the server did not take, because its stream was refused, is sent
   * once more at once. All else is sent again, until its deadline or for 30 s,
   * only when it is delivered at least once and has an idempotency key.
   *
   * @throws ServicesError see docs/services.md, "Errors"; `BERTH_SERVICE_TIMEOUT` and `_OUTCOME_UNKNOWN`: it may have
   *   taken effect; `_BUSY`, `_UNREACHABLE` and `_NOT_FOUND`: it was not run; `_PAYLOAD_TOO_LARGE`, `_CANCELLED`
   */
  async invoke(invocation: Invocation, { delivery, signal }: BusCallOptions): Promise<InvocationReply> {
    this.checkOpen(signal);
    const { deadline } = invocation;
    if (deadline !== undefined && deadline <= steadyNow())
      throw new ServicesError('BERTH_SERVICE_TIMEOUT', 'the deadline had passed before the call was sent');
    const bytes = this.encode(invocation);
    const repeatable = delivery === 'at-least-once' && invocation.idempotencyKey !== undefined;
    const until = deadline ?? steadyNow() + RESEND_MS;
    let sent = false;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.send(invocation, bytes, signal);
      if (!isFailure(outcome)) return outcome;
      const { error, retry } = outcome;
      const atOnce = retry === 'at-once' && attempt === 1;
      if (retry === 'never' || !(repeatable || atOnce)) throw sent && !outcome.sent ? unknown(error, attempt) : error;
      sent ||= outcome.sent;
      if (!repeatable) continue;
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
      const left = until - steadyNow();
      // Towards the end they come closer: a server may be back before it.
      const pause = atOnce ? 0 : Math.min(longest * (0.5 + Math.random() / 2), left / 2);
      if (left <= (atOnce ? 0 : FIRST_PAUSE_MS)) throw givenUp(error, sent, attempt);
      const stop = signal === undefined ? this.closing.signal : AbortSignal.any([this.closing.signal, signal]);
      await sleep(pause, undefined, { signal: stop }).catch(() => undefined);
      this.checkOpen(signal);
    }
  }

  /** Cancels what waits for a reply, and closes the connection. */
  close(): Promise<void> {
    this.closing.abort();
    for (const call of this.calls) call.cancel();
    this.former?.close();
    this.client.close();
    return Promise.resolve();
  }

  private send(
    { objectId, deadline }: Invocation,
    bytes: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<InvocationReply | CallFailure> {
    const { client } = this;
    return new Promise((resolve) => {
      const leave = { handleEvent: () => call.cancel() };
      const done = (error: ServiceError | null, reply?: InvocationReply): void => {
        this.calls.delete(call);
        forgetSignal(signal, leave);
        if (error === null && reply !== undefined) resolve(reply);
        else {
          if (isUsedUp(error)) this.renew(client);
          resolve(this.failure(error, call, signal));
        }
      };
      const path = objectId === undefined ? INVOKE_FN_PATH : INVOKE_OBJ_PATH;
      const options = deadline === undefined ? {} : { deadline: systemTime(deadline) };
      const call = client.makeUnaryRequest(path, passBuffer, decodeReply, bytes, NO_METADATA, options, done);
      this.calls.add(call);
      if (signal !== undefined) watchSignal(signal, leave);
    });
  }

  /** grpc-js stays with a connection that can carry no call any more; what runs on it goes on. */
  private renew(used: Client): void {
    if (used !== this.client || this.closing.signal.aborted) return;
    this.former?.close();
    this.former = used;
    this.client = this.connect();
  }

  private failure(cause: ServiceError | null, call: ClientUnaryCall, signal: AbortSignal | undefined): CallFailure {
    const error = this.refusal(signal, cause);
    if (error !== undefined) return { error, sent: true, retry: 'never' };
    // A call that was never given to a connection has no peer but the name that was dialled.
    const peer = call.getPeer();
    return callFailure(cause, this.options.address, peer !== this.target && peer !== 'unknown');
  }

  private encode(invocation: Invocation): Buffer {
    const bytes = encodeRequest(invocation);
    const { maxMessageBytes: limit } = this;
    if (bytes.length > limit)
      throw new ServicesError(
        'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
        `the call makes a message of ${bytes.length} bytes; the client sends at most ${limit} (maxMessageBytes)`,
        { bytes: bytes.length, limit },
      );
    return bytes;
  }

  private checkOpen(signal: AbortSignal | undefined): void {
    const error = this.refusal(signal);
    if (error !== undefined) throw error;
  }

  /** Why nobody waits for a call any more, if so. */
  private refusal(signal: AbortSignal | undefined, cause?: unknown): ServicesError | undefined {
    if (this.closing.signal.aborted) return closedClient(cause);
    if (signal?.aborted !== true) return undefined;
    return new ServicesError('BERTH_SERVICE_CANCELLED', 'the caller has cancelled the call', {}, { cause });
  }
}

function isFailure(outcome: InvocationReply | CallFailure): outcome is CallFailure {
  return 'retry' in outcome;
}

/** The refusal of a call through a client that has been closed, whatever carries it. */
export function closedClient(cause?: unknown): ServicesError {
  return new ServicesError('BERTH_SERVICE_CANCELLED', 'the client has been closed', {}, { cause });
}

/** The last attempt has not run; one before it may have. */
function unknown(error: ServicesError, attempts: number): ServicesError {
  const message = `the call was lost, and may have taken effect; the last of ${attempts} attempts: ${error.message}`;
  return ofSeveral('BERTH_SERVICE_OUTCOME_UNKNOWN', message, attempts, error);
}

function givenUp(error: ServicesError, sent: boolean, attempts: number): ServicesError {
  if (!sent) return ofSeveral(error.code, `${error.message} (${attempts} attempts)`, attempts, error);
  return ofSeveral('BERTH_SERVICE_TIMEOUT', `no reply after ${attempts} attempts: ${error.message}`, attempts, error);
}

function ofSeveral(code: ErrorCode, message: string, attempts: number, cause: ServicesError): ServicesError {
  return new ServicesError(code, message, { attempts, last: cause.code }, { cause });
}
