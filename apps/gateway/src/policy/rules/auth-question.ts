import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { FlatHeaders } from '@berth/exchange';

/** Of an answer, so many bytes are read. */
export const MAX_BODY_BYTES = 65_536;

/**
 * Connections to one server: those above wait within the time of their question. What waits for its next question is
 * closed after a while, and keeps no process alive.
 */
const POOL = { keepAlive: true, maxSockets: 128, maxFreeSockets: 16, timeout: 60_000 };

const http = new HttpAgent(POOL);
const https = new HttpsAgent(POOL);

export interface AuthAnswer {
  readonly status: number;
  readonly headers: FlatHeaders;
  /** its beginning; empty where the status says that a request may pass */
  readonly body: Buffer;
}

/** One of these is called once, unless the question is cancelled. */
export interface AuthAsker {
  answered(answer: AuthAnswer): void;
  failed(error: Error): void;
}

/**
 * A GET whose answer is for Berth. Not by `fetch`: that adds headers of browsers to those of the client, joins lines,
 * and opens a connection for every question that is under way.
 */
export class AuthQuestion {
  private request: ClientRequest | undefined;
  private asker: AuthAsker | undefined;
  private readonly timer: NodeJS.Timeout;

  /**
   * @param url http or https
   * @param headers with Host
   * @param timeoutMs for the whole answer
   */
  constructor(
    private readonly url: URL,
    private readonly headers: FlatHeaders,
    timeoutMs: number,
    asker: AuthAsker,
  ) {
    this.asker = asker;
    this.timer = setTimeout(() => {
      this.fail(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    this.ask(false);
  }

  cancel(): void {
    this.asker = undefined;
    this.end();
  }

  private ask(isSecondTry: boolean): void {
    const { headers, url } = this;
    let request: ClientRequest;
    try {
      request =
        url.protocol === 'https:'
          ? httpsRequest(url, { agent: https, headers })
          : httpRequest(url, { agent: http, headers });
    } catch (thrown) {
      // A header that cannot be sent; whoever asks is not there yet.
      process.nextTick(() => {
        this.fail(thrown as Error);
      });
      return;
    }
    this.request = request;
    let failure: Error | undefined;
    let hasAnswer = false;
    request.on('response', (response) => {
      hasAnswer = true;
      this.read(response);
    });
    request.on('error', (error) => {
      failure = error;
    });
    request.on('close', () => {
      // The server has closed a connection that waited, just when it was used.
      const isStale = request.reusedSocket && !hasAnswer && failure !== undefined;
      if (isStale && !isSecondTry && this.asker !== undefined) this.ask(true);
      else this.fail(failure ?? new Error('the connection ended without an answer'));
    });
    request.end();
  }

  private read(response: IncomingMessage): void {
    const { rawHeaders: headers, statusCode: status = 0 } = response;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const passes = status >= 200 && status < 300;
    // What follows is read for the sake of the connection alone.
    if (passes) this.answer({ status, headers, body: Buffer.alloc(0) });
    const finish = (): void => {
      this.answer({ status, headers, body: Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES) });
    };
    response.on('error', () => undefined);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (!passes) chunks.push(chunk);
      if (bytes <= MAX_BODY_BYTES) return;
      finish();
      this.end();
    });
    response.on('end', () => {
      clearTimeout(this.timer);
      finish();
    });
  }

  private answer(answer: AuthAnswer): void {
    const { asker } = this;
    this.asker = undefined;
    asker?.answered(answer);
  }

  private fail(error: Error): void {
    const { asker } = this;
    this.asker = undefined;
    this.end();
    asker?.failed(error);
  }

  private end(): void {
    clearTimeout(this.timer);
    this.request?.destroy();
  }
}
