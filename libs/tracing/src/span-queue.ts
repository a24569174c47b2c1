import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { EXPORT_MS } from './span-sender.js';

/** Spans that wait for the collector, one batch under way included; further ones are dropped. About 2 KB each. */
const MAX_WAITING = 2048;
const MAX_BATCH = 512;
const BATCH_MS = 1000;

/** What became of spans. */
export interface TracerFigures {
  /** taken by the collector */
  exported: number;
  /** not taken by it, after some tries */
  failed: number;
  /** found no room, because the collector is away or slow */
  dropped: number;
}

/** Bounds what waits in OpenTelemetry's own processor, and counts what becomes of it. */
export class SpanQueue implements SpanProcessor {
  readonly figures: TracerFigures = { exported: 0, failed: 0, dropped: 0 };
  private waiting = 0;
  private readonly batches: BatchSpanProcessor;

  /** @param onFailure told when a batch was not taken */
  constructor(
    private readonly exporter: SpanExporter,
    private readonly onFailure: (error: Error | undefined) => void,
  ) {
    this.batches = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) => {
          this.send(spans, done);
        },
        shutdown: () => exporter.shutdown(),
      },
      maxQueueSize: MAX_WAITING,
      maxExportBatchSize: MAX_BATCH,
      scheduledDelayMillis: BATCH_MS,
      exportTimeoutMillis: EXPORT_MS,
    });
  }

  onStart(): void {
    // Nothing waits yet.
  }

  onEnd(span: ReadableSpan): void {
    if (this.waiting >= MAX_WAITING) {
      this.figures.dropped += 1;
      return;
    }
    this.waiting += 1;
    this.batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.batches.shutdown();
  }

  private send(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      this.waiting -= spans.length;
      if (result.code === ExportResultCode.SUCCESS) this.figures.exported += spans.length;
      else {
        this.figures.failed += spans.length;
        this.onFailure(result.error);
      }
      // It has been told of; OpenTelemetry would tell a global handler as well.
      done({ code: ExportResultCode.SUCCESS });
    });
  }
}
