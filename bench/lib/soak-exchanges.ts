import { type Agent, type ClientRequest, type IncomingMessage, request, type RequestOptions } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { checksum, pieces } from './pattern.js';
import type { SoakAccount } from './soak-account.js';

/** One client of a soak. */
export interface Lane {
  readonly port: number;
  /** keeps its one connection, so that answers could be taken for each other's */
  readonly agent: Agent;
  /** whose service must answer */
  readonly origin: number;
  /** of this lane alone; part of the numbers of its POSTs */
  readonly name: string;
  readonly account: SoakAccount;
  /** whether the soak has ended */
  over(): boolean;
}

/** What came as if it were whole, and is not what it should be. */
export class Wrong extends Error {}

const STUCK_MS = 60_000;
const LARGEST = 2_000_000;

/** Small ones are the most frequent, and some are large. */
export function randomBytes(largest = LARGEST): number {
  return Math.floor(largest ** Math.random());
}

export const randomStart = (): number => Math.floor(Math.random() * 1_000_000);

/** Asks; what breaks rejects, with its code, or the code of Berth's error. */
async function ask(lane: Lane, options: RequestOptions, send?: (req: ClientRequest) => Promise<void>): Promise<Answer> {
  const req = request({ host: '127.0.0.1', port: lane.port, agent: lane.agent, ...options });
  const stuck = setTimeout(() => req.destroy(new Error('stuck')), STUCK_MS);
  req.once('close', () => clearTimeout(stuck));
  const failed = once(req, 'close').then(() => Promise.reject(req.errored ?? new Error('closed without an answer')));
  failed.catch(() => undefined);
  // It may be answered, or broken, before all of it has been sent: what counts is the answer.
  const sent = (send?.(req) ?? Promise.resolve()).then(() => req.end());
  sent.catch(() => undefined);
  const [res] = (await Promise.race([once(req, 'response'), failed])) as [IncomingMessage];
  res.on('error', () => undefined);
  if (res.statusCode !== 200) {
    const said = await Promise.race([text(res), failed]);
    throw new Error(/"code":"(\w+)"/.exec(said)?.[1] ?? `status ${res.statusCode}`);
  }
  checkOrigin(lane, res.headers['x-origin']);
  return { res, failed };
}

interface Answer {
  readonly res: IncomingMessage;
  readonly failed: Promise<never>;
}

/** @throws Wrong when another agent's service answered */
export function checkOrigin({ origin }: Lane, answered: string | string[] | undefined): void {
  if (answered !== String(origin))
    throw new Wrong(`the service of ${origin} was asked, and that of ${String(answered)} answered`);
}

/** @throws Wrong when the body ends in order and is not the pattern from `start` on, `bytes` long */
async function checkBody({ res }: Answer, bytes: number, start: number): Promise<void> {
  const expected = pieces(bytes, start);
  let piece: Buffer = Buffer.alloc(0);
  let at = 0;
  let received = 0;
  for await (const chunk of res as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.length;) {
      if (at === piece.length) {
        const next = expected.next();
        if (next.done === true) throw new Wrong(`more than the ${bytes} bytes that were asked for`);
        [piece, at] = [next.value, 0];
      }
      const length = Math.min(chunk.length - from, piece.length - at);
      if (chunk.compare(piece, at, at + length, from, from + length) !== 0)
        throw new Wrong(`other bytes after ${received + from} of ${bytes}`);
      from += length;
      at += length;
    }
    received += chunk.length;
  }
  if (received !== bytes) throw new Wrong(`ended in order after ${received} of ${bytes} bytes`);
}

function right({ account }: Lane, bytes: number): void {
  account.right += 1;
  account.bytes += bytes;
}

export async function download(lane: Lane): Promise<void> {
  const [bytes, start] = [randomBytes(), randomStart()];
  await checkBody(await ask(lane, { path: `/bytes?n=${bytes}&start=${start}` }), bytes, start);
  right(lane, bytes);
}

const sender =
  (bytes: number, start: number) =>
  async (req: ClientRequest): Promise<void> => {
    for (const piece of pieces(bytes, start)) {
      if (!req.write(piece)) await Promise.race([once(req, 'drain'), once(req, 'close')]);
      if (req.destroyed) return;
    }
  };

function post(lane: Lane, count: number, path: string, bytes: number, start: number): RequestOptions {
  const headers = { 'x-post': `${lane.name}-${count}`, 'x-sha256': checksum(bytes, start) };
  // With a length and without.
  return { path, method: 'POST', headers: count % 2 === 0 ? { ...headers, 'content-length': bytes } : headers };
}

export async function upload(lane: Lane, count: number): Promise<void> {
  const [bytes, start] = [randomBytes(), randomStart()];
  const { res, failed } = await ask(lane, post(lane, count, '/sink', bytes, start), sender(bytes, start));
  const sha256 = await Promise.race([text(res), failed]);
  if (sha256 !== checksum(bytes, start)) throw new Wrong(`an upload of ${bytes} bytes arrived as ${sha256}`);
  lane.account.posts.push(`${lane.name}-${count}`);
  right(lane, bytes);
}

export async function echo(lane: Lane, count: number): Promise<void> {
  const [bytes, start] = [randomBytes(), randomStart()];
  await checkBody(await ask(lane, post(lane, count, '/echo', bytes, start), sender(bytes, start)), bytes, start);
  lane.account.posts.push(`${lane.name}-${count}`);
  right(lane, 2 * bytes);
}
