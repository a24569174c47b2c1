import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type LocalService, localService } from '../index.js';
import { type Send, send } from './client.js';

/** What services of {@link namedEcho} were asked: `POST /path` → how often. */
export type Asked = Map<string, number>;

export interface NamedEcho extends LocalService {
  /** asked of this one so far */
  readonly calls: { count: number };
}

export interface NamedEchoOptions {
  /** of each answer, ms */
  ms?: number;
  status?: number;
}

/** A service that answers with its name and with what it was asked, body included, and counts that. */
export async function namedEcho(name: string, asked: Asked, options: NamedEchoOptions = {}): Promise<NamedEcho> {
  const { ms = 1, status = 200 } = options;
  const calls = { count: 0 };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const key = `${request.method ?? ''} ${request.url ?? ''}`;
    const chunks: Buffer[] = [];
    // An agent that is killed in the middle is what some tests are for.
    request.on('error', () => undefined);
    request.on('data', (bytes: Buffer) => chunks.push(bytes));
    request.on('end', () => {
      asked.set(key, (asked.get(key) ?? 0) + 1);
      calls.count += 1;
      setTimeout(() => {
        response.writeHead(status).end(`${name} ${key} ${Buffer.concat(chunks).toString()}`);
      }, ms);
    });
  };
  return Object.assign(await localService(listener), { calls });
}

/** What came of a request; status 0 and the code of the error when there is no answer, or not a whole one. */
export async function ask(port: number, request: Send): Promise<{ status: number; text: string }> {
  try {
    return await send(port, request);
  } catch (thrown) {
    // Where nobody listens, that is known at once.
    await sleep(5);
    return { status: 0, text: String((thrown as NodeJS.ErrnoException).code) };
  }
}

/** An answer that was not the one that belonged to its request. */
export interface Failure {
  /** `POST /path` */
  key: string;
  /** 0: there was none */
  status: number;
  /** body, or the code of the connection's error */
  text: string;
  /** since the load began, ms */
  afterMs: number;
}

/**
 * Clients that send GET and POST in turn, each request with a path of its own, until they are told to stop. Each
 * answer is compared with what a {@link namedEcho} makes of its request.
 */
export class Load implements AsyncDisposable {
  readonly failures: Failure[] = [];
  /** requests that are over, failed ones included */
  answered = 0;
  private over = false;
  private readonly beganAt = performance.now();
  private readonly workers: Promise<void>[];

  /** @param name of the service that must answer; empty: any */
  constructor(
    private readonly port: number,
    clients: number,
    private readonly name = '',
  ) {
    this.workers = Array.from({ length: clients }, (_, i) => this.run(i));
  }

  /** Failures that look like success: an answer for somebody else. */
  get mixedUp(): Failure[] {
    return this.failures.filter(({ status }) => status === 200);
  }

  /** since it began, ms */
  get elapsedMs(): number {
    return performance.now() - this.beganAt;
  }

  /** Resolves when the requests that are under way are over. */
  async stop(): Promise<void> {
    this.over = true;
    await Promise.all(this.workers);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async run(client: number): Promise<void> {
    for (let i = 0; !this.over; i += 1) {
      const method = i % 2 === 0 ? 'GET' : 'POST';
      const path = `/${this.port}/${client}/${i}`;
      const body = method === 'POST' ? `body ${path}` : '';
      const { status, text } = await ask(this.port, { method, path, body });
      this.answered += 1;
      const expected = ` ${method} ${path} ${body}`;
      const isRight = this.name === '' ? text.endsWith(expected) : text === this.name + expected;
      if (status === 200 && isRight) continue;
      this.failures.push({ key: `${method} ${path}`, status, text, afterMs: this.elapsedMs });
    }
  }
}
