import { jest } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { later } from '../../../testing/bus/lab.js';
import type { RedisClient } from './client.js';
import { RedisConnection } from './connection.js';
import { steadyNow } from '../../runtime/clock.js';

const LIMIT_MS = 1_000;

/** A client whose commands are answered by hand. */
class ManualClient extends EventEmitter implements RedisClient {
  isReady = true;
  isOpen = true;
  reconnects = 0;
  private commands: PromiseWithResolvers<unknown>[] = [];

  sendCommand(): Promise<unknown> {
    const command = Promise.withResolvers<unknown>();
    this.commands.push(command);
    return command.promise;
  }
  answerFirst(): void {
    this.commands.shift()?.resolve('OK');
  }
  destroy(): void {
    this.isReady = false;
    for (const command of this.commands.splice(0)) command.reject(new Error('destroyed'));
  }
  connect(): Promise<void> {
    this.reconnects += 1;
    return Promise.resolve();
  }
  ready(): void {
    this.isReady = true;
    this.emit('ready');
  }
}

describe('a connection that is silent', () => {
  let client: ManualClient;
  let connection: RedisConnection;
  const ask = (): Promise<unknown> =>
    later(
      connection.operations.run(false, steadyNow() + 100 * LIMIT_MS, () => connection.send(undefined, [], ['PING'])),
    );
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  const connected = (owned: boolean): void => {
    connection = new RedisConnection(client, owned, { operationTimeoutMs: LIMIT_MS, maxPendingOperations: 10 });
  };

  beforeEach(() => {
    jest.useFakeTimers();
    client = new ManualClient();
    connected(true);
  });

  afterEach(() => {
    connection.close();
    jest.useRealTimers();
  });

  it('while something is asked is given up after operationTimeoutMs, and it is asked again over the next', async () => {
    const answer = ask();
    await pass(LIMIT_MS - 10);
    expect(client.reconnects).toBe(0);
    await pass(20);
    expect(client.reconnects).toBe(1);
    await pass(5 * LIMIT_MS);
    expect(client.reconnects).toBe(1);
    client.ready();
    client.answerFirst();
    expect(await answer).toBe('OK');
  });

  it('is not silent when answers come, however many questions are open', async () => {
    const answers = [ask(), ask()];
    for (let i = 0; i < 10; i += 1) {
      await pass(LIMIT_MS * 0.6);
      client.answerFirst();
      answers.push(ask());
    }
    expect(client.reconnects).toBe(0);
    client.answerFirst();
    client.answerFirst();
    await Promise.all(answers);
  });

  it('may be silent when nothing is asked', async () => {
    const answer = ask();
    await pass(LIMIT_MS * 0.6);
    client.answerFirst();
    await answer;
    await pass(5 * LIMIT_MS);
    const next = ask();
    await pass(LIMIT_MS * 0.6);
    client.answerFirst();
    await next;
    expect(client.reconnects).toBe(0);
  });

  it('and not ours is left alone', async () => {
    connection.close();
    client = new ManualClient();
    connected(false);
    const answer = ask();
    await pass(5 * LIMIT_MS);
    expect(client.reconnects).toBe(0);
    client.answerFirst();
    expect(await answer).toBe('OK');
  });
});
