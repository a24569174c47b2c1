import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { FakeClient } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { FakeJudge, inspectionLab } from '../../../testing/inspection-lab.js';

const OK = { status: 200, reason: 'OK', headers: ['Content-Type', 'text/plain'] };
const POST = { method: 'POST', body: true };

describe('large bodies past a slow agent', () => {
  const CHUNK = 32_768;
  const COUNT = 512;

  it('arrive whole in both directions, and never more of them waits than may', async () => {
    const judge = new FakeJudge(['requestBody', 'responseBody'], () => turn().then(() => undefined));
    const { begin, held, pool } = inspectionLab([judge]);
    const got = { up: createHash('sha256'), down: createHash('sha256') };
    const sent = { up: createHash('sha256'), down: createHash('sha256') };
    let resume: (() => void) | undefined;
    let untaken = 0;
    let mostUntaken = 0;
    const whole = Promise.withResolvers<undefined>();
    class SlowClient extends FakeClient {
      override data(chunk: Buffer): void {
        got.down.update(chunk);
        untaken += chunk.length;
        mostUntaken = Math.max(mostUntaken, untaken);
        setImmediate(() => {
          untaken -= chunk.length;
          this.exchange.consumed(chunk.length);
        });
      }
      override writable(): void {
        resume?.();
      }
      override end(): void {
        whole.resolve(undefined);
      }
    }
    const client = new SlowClient();
    begin(POST, client);
    await turn();
    const exchange = pool.last;
    exchange.sendData = (chunk) => {
      got.up.update(chunk);
      setImmediate(() => {
        exchange.sink.writable();
      });
      return false;
    };
    let credit = 262_144;
    let spent: (() => void) | undefined;
    exchange.consumed = (count) => {
      credit += count;
      spent?.();
    };
    const upload = async (): Promise<void> => {
      for (let i = 0; i < COUNT; i += 1) {
        const chunk = Buffer.alloc(CHUNK, i);
        sent.up.update(chunk);
        const { promise, resolve } = Promise.withResolvers<undefined>();
        resume = () => {
          resolve(undefined);
        };
        if (!client.exchange.sendData(chunk)) await promise;
      }
      client.exchange.sendEnd();
    };
    const download = async (): Promise<void> => {
      exchange.sink.head(OK);
      for (let i = 0; i < COUNT; i += 1) {
        const chunk = Buffer.alloc(CHUNK, i + 7);
        while (credit < CHUNK) await new Promise<void>((resolve) => (spent = resolve));
        credit -= CHUNK;
        sent.down.update(chunk);
        exchange.sink.data(chunk);
      }
      exchange.sink.end(undefined);
    };
    const sentAll = Promise.withResolvers<undefined>();
    exchange.sendEnd = () => {
      sentAll.resolve(undefined);
    };
    await Promise.all([upload(), download(), whole.promise, sentAll.promise]);
    expect([got.up.digest('hex'), got.down.digest('hex')]).toEqual([sent.up.digest('hex'), sent.down.digest('hex')]);
    expect(mostUntaken).toBeLessThanOrEqual(262_144 + CHUNK);
    expect(held.bytes).toBe(0);
  });
});
