import type { ClientHttp2Stream } from 'node:http2';
import { messageOf } from '@berth/errors';
import { headersByName, type FlatHeaders, relayHead, relayTrailers } from '@berth/http-rules';
import type { IncomingExchange } from '@berth/exchange';
import { realStatus } from '../local-errors.js';
import { H2_CANCEL, h2CodeName } from './h2-codes.js';
import { fieldsOf } from './h2-request-head.js';
import type { LocalSession } from './h2-session.js';
import { endOnlyTruly } from './true-end.js';

/** What comes of a stream. */
export interface StreamEvents {
  /** The head of the answer has come, before anything of it is passed on. */
  answered(): void;
  /** The answer is complete and has been passed on. */
  ended(): void;
  /** The stream ended without that. */
  broke(error: Error): void;
  /** Trailers of the request, asked for when its body has left. */
  trailers(): FlatHeaders | undefined;
}

const END_STREAM = 1;

/** One stream to the local service: hands its answer to the exchange as it comes. */
export class H2Stream {
  readonly stream: ClientHttp2Stream;
  /** an interim answer has been passed on, or more */
  responded = false;
  /** of the answer's body, so far */
  bytes = 0;
  private error: Error | undefined;
  private rawTrailers: FlatHeaders | undefined;
  private hasEnded = false;
  private isOver = false;

  /** @throws Error as {@link LocalSession.begin} does */
  constructor(
    private readonly session: LocalSession,
    head: FlatHeaders,
    hasBody: boolean,
    mayTrail: boolean,
    private readonly exchange: IncomingExchange,
    private readonly events: StreamEvents,
  ) {
    const stream = session.begin(head, hasBody, mayTrail);
    this.stream = stream;
    endOnlyTruly(stream);
    stream
      .on('headers', (_parsed, _flags, raw) => {
        this.onInterim(raw);
      })
      .on('response', (_parsed, flags, raw) => {
        this.onResponse(flags, raw);
      })
      .on('trailers', (_parsed, _flags, raw: string[]) => {
        this.rawTrailers = raw;
      })
      .on('end', () => {
        this.finish();
      })
      .on('wantTrailers', () => {
        this.guard(() => {
          stream.sendTrailers(headersByName(relayTrailers(events.trailers() ?? [])));
        });
      })
      .on('error', (error: Error) => {
        this.error = error;
      })
      .on('close', () => {
        if (this.ended) return;
        this.isOver = true;
        events.broke(streamFault(session, stream, this.error));
      });
  }

  /** Nobody wants the answer any more. */
  cancel(): void {
    const { isOver, stream } = this;
    this.isOver = true;
    if (stream.destroyed) return;
    if (!isOver && !this.hasEnded) this.session.cancelling(stream);
    stream.close(H2_CANCEL);
    // What has arrived and was not read would keep it.
    stream.destroy();
  }

  private get ended(): boolean {
    return this.isOver || this.hasEnded;
  }

  /** Only what nobody has processed is worth another try whatever it asks for. */
  get leftOut(): boolean {
    return this.session.leftOut(this.stream);
  }

  private onInterim(raw: string[]): void {
    if (this.isOver) return;
    this.guard(() => {
      const status = realStatus(Number(raw[1]));
      const { headers } = relayHead(fieldsOf(raw, this.session.settings.maxHeaderBytes), false);
      this.responded = true;
      this.exchange.sendInformational({ status, headers });
    });
  }

  private onResponse(flags: number, raw: string[]): void {
    if (this.isOver) return;
    const { events, exchange, stream } = this;
    this.responded = true;
    events.answered();
    this.guard(() => {
      const status = Number(raw[1]);
      if (!(status >= 200)) throw new Error(`status ${status} ends no exchange (RFC 9110 section 15)`);
      exchange.sendHead({
        status,
        reason: '',
        headers: relayHead(fieldsOf(raw, this.session.settings.maxHeaderBytes), false).headers,
      });
    });
    if (this.ended) return;
    // An answer that is all head leaves as that, in one batch: `grpc-status` in it would be lost otherwise.
    if ((flags & END_STREAM) !== 0) this.finish();
    stream.on('data', this.onData);
  }

  private readonly onData = (chunk: Buffer | string): void => {
    if (this.isOver) return;
    this.bytes += chunk.length;
    if (!this.exchange.sendData(chunk as Buffer)) this.stream.pause();
  };

  private finish(): void {
    if (this.ended) return;
    const { exchange, rawTrailers, session } = this;
    this.guard(() => {
      const trailers = rawTrailers && relayTrailers(fieldsOf(rawTrailers, session.settings.maxHeaderBytes));
      this.hasEnded = true;
      exchange.sendEnd(trailers);
      this.events.ended();
    });
  }

  private guard(send: () => void): void {
    try {
      send();
    } catch (thrown) {
      this.cancel();
      this.events.broke(new Error(messageOf(thrown), { cause: thrown }));
    }
  }
}

/** Why a stream ended that should not have. */
export function streamFault(session: LocalSession, { rstCode }: ClientHttp2Stream, error: Error | undefined): Error {
  if (session.lost !== undefined && session.ended) return session.lost;
  if (session.ended) return Object.assign(new Error('it closed the connection'), { code: 'ECONNRESET' });
  if (rstCode !== 0) return new Error(`it reset the stream: ${h2CodeName(rstCode)}`);
  return error ?? new Error('it broke the answer off');
}
