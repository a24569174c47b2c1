import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { streamClock } from './clock.js';
import { attachEcho } from './echo.js';
import { sendJson } from './json.js';
import { page } from './page.js';
import { sendBytes, takeUpload } from './transfer.js';

type Handler = (req: IncomingMessage, res: ServerResponse, query: URLSearchParams) => Promise<void> | void;

const LONGEST_WAIT_MS = 10 * 60_000;

const routes: Readonly<Record<string, { readonly methods: readonly string[]; readonly handle: Handler }>> = {
  '/': { methods: ['GET', 'HEAD'], handle: sendPage },
  '/clock': { methods: ['GET'], handle: streamClock },
  '/download': { methods: ['GET', 'HEAD'], handle: sendBytes },
  '/echo': { methods: [], handle: () => undefined },
  '/headers': { methods: [], handle: describeRequest },
  '/slow': { methods: [], handle: answerLate },
  '/upload': { methods: ['POST', 'PUT'], handle: takeUpload },
};

/**
 * A small service to put behind an agent: a page, an event stream, a WebSocket
 * echo, uploads and downloads of any size.
 *
 * @returns a server that does not listen yet
 */
export function createSampleService(): Server {
  // Node ends requests after five minutes by default; an upload may take longer.
  const server = createServer({ requestTimeout: 0 }, (req, res) => {
    // Whoever leaves in the middle must not end the service.
    req.on('error', () => undefined);
    res.on('error', () => undefined);
    answer(req, res).catch((error: unknown) => {
      if (res.headersSent || res.destroyed) res.destroy();
      else sendJson(res, 500, { error: error instanceof Error ? error.message : String(error) });
    });
  });
  attachEcho(server, '/echo');
  return server;
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [path, search] = splitTarget(req.url ?? '/');
  const route = routes[path];
  if (!route) {
    sendJson(res, 404, { error: `nothing at ${path}`, paths: Object.keys(routes) });
  } else if (path === '/echo') {
    res.setHeader('Upgrade', 'websocket');
    res.setHeader('Connection', 'Upgrade');
    sendJson(res, 426, { error: 'this is a WebSocket' });
  } else if (route.methods.length > 0 && !route.methods.includes(req.method ?? '')) {
    res.setHeader('Allow', route.methods.join(', '));
    sendJson(res, 405, { error: `${path} takes ${route.methods.join(' and ')}` });
  } else {
    await route.handle(req, res, new URLSearchParams(search));
  }
}

function sendPage(_req: IncomingMessage, res: ServerResponse): void {
  const body = Buffer.from(page);
  res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': body.length });
  res.end(body);
}

/** Shows what arrived, header names in their order and case: what a relay changed can be seen here. */
function describeRequest(req: IncomingMessage, res: ServerResponse): void {
  const headers: string[] = [];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    headers.push(`${req.rawHeaders[i] ?? ''}: ${req.rawHeaders[i + 1] ?? ''}`);
  }
  sendJson(res, 200, { requestLine: `${req.method ?? ''} ${req.url ?? ''} HTTP/${req.httpVersion}`, headers });
}

async function answerLate(_req: IncomingMessage, res: ServerResponse, query: URLSearchParams): Promise<void> {
  const asked = Number(query.get('ms') ?? 1000);
  const ms = Number.isFinite(asked) ? Math.min(Math.max(asked, 0), LONGEST_WAIT_MS) : 1000;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    res.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  if (!res.destroyed) sendJson(res, 200, { waitedMs: ms });
}

function splitTarget(target: string): [string, string] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}
