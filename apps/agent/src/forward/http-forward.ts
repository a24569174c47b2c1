import type { Dispatcher } from 'undici';
import { messageOf } from '@berth/errors';
import { isIdempotent, latin1Headers, reasonBytes, relayHead, relayTrailers } from '@berth/http-rules';
import { type BodySink, type IncomingExchange, JOIN_BELOW_BYTES, ResetCode } from '@berth/exchange';
import type { ForwardOwner } from './forward-owner.js';
import { NothingSentError } from './kept-answers.js';
import { isStaleConnection, realStatus } from './local-errors.js';
import { ALL_IN_USE, type LocalPool, type PoolUser } from './local-pool.js';
import { RequestBody } from './request-body.js';
import type { Client } from './undici-client.js';

type Controller = Dispatcher.DispatchController & { rawHeaders?: unknown; rawTrailers?: unknown };

/** Shared: a stack trace for each client that leaves would cost more than the rest of it. */
const ENDED = new Error('the exchange ended');

/** For the first bytes of a body, ms; then the head goes out without them, on a socket of its own. */
const LATE_BODY_MS = 20;

/** One ordinary exchange, over undici's connections to the local service. */
export class HttpForward implements BodySink, Dispatcher.DispatchHandler, PoolUser {
  readonly opensSocket = false;
  private controller: Controller | undefined;
  private gathered: Buffer[] | undefined;
  private gatheredEnd = false;
  private body: RequestBody | undefined;
  private failedEarly = false;
  /** something of the answer has come, if only an interim response */
  private responded = false;
  private retried = false;
  /** what to send when it is our turn */
  private requestBody: Buffer | RequestBody | null = null;
  private turn: 'none' | 'waiting' | 'running' | 'over' = 'none';
  private client: Client | undefined;
  /** when its turn came, as the owner's clock has it */
  private beganAt = 0;
  private lateBodyTimer: NodeJS.Timeout | undefined;

  /** @param serverName for TLS: the target's, never the one in the client's Host */
  constructor(
    private readonly exchange: IncomingExchange,
    private readonly pool: LocalPool,
    private readonly serverName: string,
    private readonly owner: ForwardOwner,
  ) {}

  /** A body that has come whole in one batch is sent in one write with its head; so the dispatch waits for the batch's end. */
  start(): void {
    if (!this.exchange.openHead.body) {
      this.dispatch(null);
      return;
    }
    this.gathered = [];
    process.nextTick(startWithBody, this);
  }

  dispatchGathered(): void {
    if (this.failedEarly || this.gathered === undefined) return;
    const chunks = this.gathered;
    if (chunks.length === 0 && !this.gatheredEnd) {
      this.lateBodyTimer ??= setTimeout(lateBody, LATE_BODY_MS, this);
      return;
    }
    this.gathered = undefined;
    if (this.gatheredEnd) {
      const [only] = chunks;
      // A short one is copied: it may wait for long, and must not keep the batch that it came with.
      const isLong = chunks.length === 1 && only !== undefined && only.length >= JOIN_BELOW_BYTES;
      const whole = isLong ? only : Buffer.concat(chunks);
      this.exchange.consumed(whole.length);
      this.dispatch(whole);
      return;
    }
    const body = new RequestBody((bytes) => {
      this.exchange.consumed(bytes);
    });
    this.body = body;
    for (const chunk of chunks) body.add(chunk);
    this.dispatch(body);
  }

  /** undici writes a head only with the first bytes of its body; a service may have to see it before. */
  handOver(): void {
    if (this.failedEarly || this.gathered === undefined || this.gathered.length > 0) return;
    try {
      this.exchange.sink = this.owner.onOwnSocket(this.exchange);
    } catch (thrown) {
      this.exchange.reset(ResetCode.localFailed, messageOf(thrown));
    }
  }

  private dispatch(body: Buffer | RequestBody | null): void {
    this.requestBody = body;
    this.turn = 'waiting';
    if (this.pool.acquire(this)) this.run();
  }

  run(): void {
    this.client = this.pool.checkOut();
    this.turn = 'running';
    this.beganAt = this.owner.figures.begin();
    this.send(this.client);
  }

  refused(): void {
    this.turn = 'over';
    this.exchange.reset(ResetCode.localBusy, ALL_IN_USE);
    this.body?.destroy(ENDED);
  }

  private send(client: Client): void {
    const { method, target, headers } = this.exchange.openHead;
    const body = this.requestBody;
    if (body instanceof RequestBody) body.socket = () => this.pool.socketOf(client);
    // Not in undici's types: without it, undici takes the name from the client's Host, and fails on some.
    const options: Dispatcher.DispatchOptions & { servername: string } = {
      path: target,
      method,
      headers,
      body,
      servername: this.serverName,
    };
    client.dispatch(options, this);
  }

  private over(): void {
    const { turn, client } = this;
    this.turn = 'over';
    if (turn === 'waiting') this.pool.abandon(this);
    // Without a controller undici never began: it refused the head, or could not connect.
    else if (turn === 'running' && client !== undefined) this.pool.giveBack(client, this.controller !== undefined);
  }

  // --- what the gateway sends ------------------------------------------------

  data(bytes: Buffer): void {
    if (this.gathered !== undefined) {
      this.gathered.push(bytes);
      this.bodyBegan();
    } else this.body?.add(bytes);
  }

  end(): void {
    if (this.gathered !== undefined) {
      this.gatheredEnd = true;
      this.bodyBegan();
    } else this.body?.finish();
  }

  private bodyBegan(): void {
    if (this.lateBodyTimer === undefined) return;
    clearTimeout(this.lateBodyTimer);
    this.lateBodyTimer = undefined;
    process.nextTick(startWithBody, this);
  }

  failed(): void {
    this.failedEarly = true;
    clearTimeout(this.lateBodyTimer);
    if (this.turn === 'waiting') this.over();
    this.body?.destroy(ENDED);
    this.controller?.abort(ENDED);
    this.exchange.discard();
  }

  writable(): void {
    this.controller?.resume();
  }

  // --- what the local service answers ----------------------------------------

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    // A throw drops the request and keeps the connection; an abort would end both.
    if (this.failedEarly) throw ENDED;
  }

  onResponseStarted(): void {
    this.responded = true;
  }

  onResponseStart(controller: Controller, status: number, _parsed: unknown, reason?: string): void {
    try {
      const { headers } = relayHead(latin1Headers(controller.rawHeaders as Buffer[]), false);
      if (status < 200) this.exchange.sendInformational({ status: realStatus(status), headers });
      else {
        this.owner.figures.answer(this.beganAt);
        this.exchange.sendHead({ status, reason: reasonBytes(reason ?? ''), headers });
      }
    } catch (thrown) {
      this.owner.fail(this.exchange, thrown as Error);
      controller.abort(new Error('the response cannot be relayed'));
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (!this.exchange.sendData(chunk)) controller.pause();
  }

  onResponseEnd(controller: Controller): void {
    this.over();
    const trailers = controller.rawTrailers as Buffer[] | null;
    this.exchange.sendEnd(trailers?.length ? relayTrailers(latin1Headers(trailers)) : undefined);
    // Bytes of a request whose answer is complete are not wanted any more; the gateway says Reset(done).
    this.body?.destroy();
  }

  onResponseError(_controller: Controller, error: Error): void {
    const { exchange, client } = this;
    const isFirst = !exchange.closed && !this.responded && !this.retried;
    if (isFirst && client !== undefined && this.mayRunAgain(error)) {
      this.retried = true;
      // The client opens a new connection: its own has gone.
      this.send(client);
      return;
    }
    this.over();
    this.owner.fail(exchange, error);
  }

  /** The connection had gone, and nothing is done twice (RFC 9110 section 9.2.2). */
  private mayRunAgain(error: Error): boolean {
    const { method, body } = this.exchange.openHead;
    if (error instanceof NothingSentError) return !(this.requestBody instanceof RequestBody);
    return !body && isIdempotent(method) && isStaleConnection(error);
  }
}

function lateBody(forward: HttpForward): void {
  forward.handOver();
}

function startWithBody(forward: HttpForward): void {
  forward.dispatchGathered();
}
