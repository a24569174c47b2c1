import { type ClientRequest, type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/** For one batch, tries again included. */
export const EXPORT_MS = 10_000;
/** Answers after which OTLP has a batch sent again. */
const TRY_AGAIN = new Set([429, 502, 503, 504]);

/**
 * Sends spans by OTLP over HTTP, as protobuf. OpenTelemetry's own exporter does
 * the same and cannot be called off: it keeps a process for up to 10 s where the
 * collector says nothing or is away.
 */
export class SpanSender implements SpanExporter {
  private readonly underWay = new Set<Promise<void>>();
  private readonly ending = new AbortController();
  private readonly headers: Readonly<Record<string, string>>;

  /**
   * @param url of the collector, with its path
   * @param headers besides those of the content
   * @param firstWaitMs until it is tried again; longer each time
   */
  constructor(
    private readonly url: string,
    headers: Readonly<Record<string, string>>,
    private readonly firstWaitMs = 1000,
  ) {
    this.headers = { ...headers, 'Content-Type': 'application/x-protobuf' };
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const sent = this.send(ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array()).then(
      () => {
        done({ code: ExportResultCode.SUCCESS });
      },
      (thrown: unknown) => {
        done({ code: ExportResultCode.FAILED, error: thrown as Error });
      },
    );
    this.underWay.add(sent);
    void sent.finally(() => this.underWay.delete(sent));
  }

  /** Resolves when what is under way has ended. */
  async shutdown(): Promise<void> {
    await Promise.all(this.underWay);
  }

  /** Calls off what is under way, and what begins later. */
  abort(): void {
    this.ending.abort();
  }

  private async send(body: Uint8Array): Promise<void> {
    const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(EXPORT_MS)]);
    for (let waitMs = this.firstWaitMs; ; waitMs *= 1.5) {
      const problem = await this.post(body, signal);
      if (problem === undefined) return;
      try {
        // Not all agents of a gateway at once.
        await sleep(waitMs * (0.8 + 0.4 * Math.random()), undefined, { signal, ref: false });
      } catch {
        throw problem;
      }
    }
  }

  /** @returns undefined: taken; else what went wrong, and may go well later @throws Error what will not */
  private async post(body: Uint8Array, signal: AbortSignal): Promise<Error | undefined> {
    let status: number;
    try {
      status = await this.statusOf(body, signal);
    } catch (thrown) {
      if (!signal.aborted) return thrown as Error;
      throw new Error(this.ending.signal.aborted ? 'the process ends' : `no answer within ${EXPORT_MS / 1000} s`, {
        cause: thrown,
      });
    }
    if (status >= 200 && status < 300) return undefined;
    const problem = new Error(`the collector answered ${status}`);
    if (!TRY_AGAIN.has(status)) throw problem;
    return problem;
  }

  private statusOf(body: Uint8Array, signal: AbortSignal): Promise<number> {
    const { headers, url } = this;
    const options = { method: 'POST', headers, agent: false, signal };
    return new Promise((resolve, reject) => {
      const answered = (answer: IncomingMessage): void => {
        answer
          .resume()
          .on('error', reject)
          .on('end', () => {
            resolve(answer.statusCode ?? 0);
          });
      };
      const asked: ClientRequest = url.startsWith('https:')
        ? overHttps(url, options, answered)
        : overHttp(url, options, answered);
      asked.on('error', reject).end(body);
    });
  }
}
