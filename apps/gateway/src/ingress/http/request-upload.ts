import type { IncomingMessage } from 'node:http';
import type { BerthError } from '@berth/errors';
import { relayTrailers } from '@berth/http-rules';
import type { OpenedExchange } from '@berth/exchange';
import { bodyNotBegun, uploadStopped, uploadStuck } from '../failures.js';
import { bodyTooLarge, expectsContinue } from './http-messages.js';
import type { IngressContext } from '../ingress-context.js';

export interface UploadOwner {
  readonly exchange: OpenedExchange | undefined;
  /** bytes came, and are passed on next; `first`: with them the body has begun */
  received(bytes: number, first: boolean): void;
  /** the agent has no room: the client is asked to wait */
  held(): void;
  /** the whole body has come */
  complete(): void;
  /** it must not be relayed any further */
  refused(error: BerthError): void;
}

const UPLOAD = Symbol('upload');
type UploadingRequest = IncomingMessage & { [UPLOAD]?: RequestUpload };

/** The body of one request on its way to the agent. */
export class RequestUpload {
  /** all of it has come */
  ended = false;
  /** the local service has asked for it */
  continued = false;
  private bytes = 0;
  /** the service has yet to ask for the body, and the client waits for that */
  private awaitsContinue = false;

  constructor(
    private readonly context: IngressContext,
    private readonly request: UploadingRequest,
    private readonly owner: UploadOwner,
  ) {}

  begin(): void {
    const { request } = this;
    request[UPLOAD] = this;
    request.on('data', onData);
    request.on('end', onEnd);
  }

  get begun(): boolean {
    return this.bytes > 0;
  }

  /** It must move within this time, ms; or the answer must come within it, when it is the agent's turn. */
  get timeoutMs(): number {
    const { options } = this.context;
    if (this.ended || this.waitsForContinue) return options.responseTimeoutMs;
    return this.begun ? options.idleTimeoutMs : options.bodyStartTimeoutMs;
  }

  /**
   * That time is up, and there is no answer yet.
   *
   * @returns what is wrong with the upload; undefined when it is the answer that is late
   */
  expired(): BerthError | undefined {
    const { options, agent } = this.context;
    if (this.ended || this.waitsForContinue) return undefined;
    if (this.request.isPaused()) return uploadStuck(agent.id, options);
    return this.begun ? uploadStopped(options) : bodyNotBegun(options);
  }

  /** Whether the body has not begun because its client waits for the service's 100: it gets the time of an answer. */
  mayAwaitContinue(headers: string[]): boolean {
    if (this.awaitsContinue || this.continued || this.ended || this.begun || !expectsContinue(headers)) return false;
    this.awaitsContinue = true;
    return true;
  }

  data(chunk: Buffer): void {
    const { owner, context } = this;
    const { exchange } = owner;
    if (exchange === undefined || exchange.closed) return;
    const { maxBodyBytes } = context.options;
    const first = !this.begun;
    this.bytes += chunk.length;
    owner.received(chunk.length, first);
    if (maxBodyBytes > 0 && this.bytes > maxBodyBytes) {
      owner.refused(bodyTooLarge(maxBodyBytes));
      return;
    }
    if (exchange.sendData(chunk)) return;
    owner.held();
    this.request.pause();
  }

  end(): void {
    this.ended = true;
    this.owner.complete();
    const { rawTrailers } = this.request;
    this.owner.exchange?.sendEnd(rawTrailers.length > 0 ? relayTrailers(rawTrailers) : undefined);
  }

  private get waitsForContinue(): boolean {
    return this.awaitsContinue && !this.continued && !this.begun;
  }
}

// Shared listeners: closures per request would be allocations each.

function onData(this: UploadingRequest, chunk: Buffer): void {
  this[UPLOAD]?.data(chunk);
}

function onEnd(this: UploadingRequest): void {
  this[UPLOAD]?.end();
}
