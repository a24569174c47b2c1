import type { IncomingMessage, ServerResponse } from 'node:http';
import { AgentHttpServerFactory, type AgentTraffic, type PooledHttpServer, type PortMiddleware } from './index.js';

describe('AgentHttpServerFactory', () => {
  let server: PooledHttpServer | undefined;
  afterEach(() => server?.stop(0));

  /** Answers with what came before it. */
  class Traffic implements AgentTraffic {
    request(
      request: IncomingMessage,
      response: ServerResponse,
      middleware?: (request: IncomingMessage, response: ServerResponse) => void,
    ): void {
      if (middleware === undefined) response.end(`direct, Express: ${'app' in request}`);
      else middleware(request, response);
    }
    passed(request: IncomingMessage, response: ServerResponse): void {
      response.end(`passed, Express: ${'app' in request}`);
    }
    middlewareFailed(error: unknown, _: IncomingMessage, response: ServerResponse): void {
      response.end(`failed: ${String(error)}`);
    }
    upgrades = (): boolean => false;
    upgrade = (): void => undefined;
    connection = (): void => undefined;
    clientError = (): void => undefined;
  }

  async function ask(...middleware: PortMiddleware[]): Promise<string> {
    const factory = new AgentHttpServerFactory({
      maxHeaderBytes: 16_384,
      headersTimeoutMs: 5000,
      keepAliveTimeoutMs: 5000,
      maxConnections: 10,
    });
    server = factory.create('test', { host: '127.0.0.1', port: 0 }, new Traffic(), middleware);
    expect(factory.listening).toBe(0);
    await server.start();
    expect(factory.listening).toBe(1);
    const text = await (await fetch(`http://127.0.0.1:${server.port}/`)).text();
    await server.stop(0);
    expect(factory.listening).toBe(0);
    return text;
  }

  it('without middleware, Express sees nothing of a request (decision 0009)', async () => {
    expect(await ask()).toBe('direct, Express: false');
  });

  it('with middleware, Express runs it and hands on what it lets through', async () => {
    const seen: string[] = [];
    const named = (name: string): PortMiddleware => ({
      use: (_, __, next) => {
        seen.push(name);
        next();
      },
    });
    expect(await ask(named('first'), named('second'))).toBe('passed, Express: true');
    expect(seen).toEqual(['first', 'second']);
  });

  it('tells of middleware that fails, now or later', async () => {
    const bug = new Error('a bug');
    const throws = (): never => {
      throw bug;
    };
    expect(await ask({ use: throws })).toBe('failed: Error: a bug');
    expect(await ask({ use: () => Promise.reject(bug) })).toBe('failed: Error: a bug');
    expect(await ask({ use: (_, __, next) => next(bug) })).toBe('failed: Error: a bug');
  });
});
