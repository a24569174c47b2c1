import { createServer } from 'node:http';
import { listening } from '@berth/testing';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { SpanSender } from './span-sender.js';

describe('what sends spans', () => {
  const result = (sender: SpanSender): Promise<ExportResult> =>
    new Promise((resolve) => {
      sender.export([], resolve);
    });

  it('tries again what a collector cannot take now, and not what it refuses', async () => {
    const statuses = [503, 429, 200, 400];
    await using collector = await listening(
      createServer((request, response) => {
        request.resume().on('end', () => response.writeHead(statuses.shift() ?? 500).end());
      }),
    );
    const sender = new SpanSender(`http://127.0.0.1:${collector.port}/v1/traces`, {}, 1);
    expect(await result(sender)).toEqual({ code: ExportResultCode.SUCCESS });
    expect(await result(sender)).toEqual({
      code: ExportResultCode.FAILED,
      error: new Error('the collector answered 400'),
    });
    expect(statuses).toEqual([]);
  });
});
