import type { sendUnaryData, Server } from '@grpc/grpc-js';
import type { Log } from '@berth/observability';
import { ServicesError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { nextInvocationId } from '../invocation/invocation.js';
import { errorReply } from '../invocation/replies.js';
import { Admission } from './admission.js';
import { OprcCall, type OprcRequest } from './oprc-call.js';
import { CUT_OFF, QUEUE_FULL, refusalStatus, STOPPING } from './refusals.js';
import type { ServerSettings } from './server-options.js';
import type { StreamGuard } from './stream-guard.js';
import { encodeReply } from '../wire/replies.js';
import {
  decodeFunctionRequest,
  decodeObjectRequest,
  INVOKE_FN_PATH,
  INVOKE_OBJ_PATH,
  passBuffer,
} from '../wire/requests.js';
import { steadyTime } from '../runtime/clock.js';

/** `oprc.OprcFunction`: admits calls, hands them to the handler, and answers (checklist B13). */
export class OprcService {
  readonly admission: Admission;
  readonly maxMessageBytes: number;
  readonly running = new Set<OprcCall>();
  private stopping = false;

  constructor(
    readonly handler: InvocationHandler,
    settings: Pick<ServerSettings, 'maxMessageBytes' | 'maxConcurrentCalls' | 'maxQueuedCalls'>,
    readonly guard: StreamGuard,
    readonly log: Log,
  ) {
    this.maxMessageBytes = settings.maxMessageBytes;
    this.admission = new Admission(settings.maxConcurrentCalls, settings.maxQueuedCalls);
  }

  addTo(server: Server): void {
    const method = { requestStream: false, responseStream: false, responseDeserialize: passBuffer } as const;
    const shared = { ...method, requestSerialize: passBuffer, responseSerialize: passBuffer };
    const definition = {
      InvokeFn: { ...shared, path: INVOKE_FN_PATH, requestDeserialize: decodeFunctionRequest },
      InvokeObj: { ...shared, path: INVOKE_OBJ_PATH, requestDeserialize: decodeObjectRequest },
    };
    server.addService(definition, { InvokeFn: this.invoke, InvokeObj: this.invoke });
  }

  /** From now on calls are refused; those that were admitted go on. */
  stop(): void {
    this.stopping = true;
  }

  /** Gives up what still runs or waits. */
  cutOff(): void {
    this.admission.refuseWaiting(STOPPING);
    const reason = new ServicesError('BERTH_SERVICE_CANCELLED', 'the server has been stopped');
    for (const call of this.running) {
      call.abort(reason);
      call.refuse(CUT_OFF);
    }
  }

  private readonly invoke = (request: OprcRequest, done: sendUnaryData<Buffer>): void => {
    if (this.stopping) {
      done(refusalStatus(STOPPING));
      return;
    }
    const invocation = request.request;
    invocation.id = nextInvocationId();
    const { problem } = invocation;
    if (problem !== undefined) {
      done(null, encodeReply(errorReply(invocation.id, new ServicesError(problem.code, problem.message))));
      return;
    }
    const deadline = request.getDeadline();
    if (typeof deadline === 'number' && deadline !== Infinity) invocation.deadline = steadyTime(deadline);
    const call = new OprcCall(this, request, done);
    const entry = this.admission.enter(call);
    if (entry === 'full') call.refuse(QUEUE_FULL);
    else if (entry === 'run' && !call.run()) this.admission.ended();
  };
}
