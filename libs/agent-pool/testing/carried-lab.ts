import {
  type Exchange,
  ExchangeKind,
  type IncomingExchange,
  type OpenedExchange,
  type OpenHead,
} from '@berth/exchange';
import type { AgentConnection } from '../src/agent-connection.js';
import { RecordingSink } from './recording-sink.js';

/** A connection with its far end, as one kind of connection makes them. */
export interface Carried {
  connection: AgentConnection;
  /** the agent's process or network is gone from one moment to the next */
  breakOff(): void;
  /** frees all of it */
  close(): Promise<void>;
}

/**
 * Makes a connection in service that takes at least 8 exchanges at once.
 *
 * @param accept to be called by the far end with each exchange that comes in; the sink takes its bytes
 */
export type MakeCarried = (accept: (exchange: IncomingExchange) => RecordingSink) => Promise<Carried>;

/**
 * What some kind of connection cannot carry; its tests are skipped, with the reason in their title.
 *
 * - `heads`: the order, case and repeats of headers
 * - `interim`: interim responses, trailers and reasons
 * - `streams`: bytes of a body before all of it is there, and back pressure by its consumer
 * - `pipes`: upgrades
 * - `resets`: word to the far end of an exchange that is over, and its own codes back
 * - `successors`: the wish for a new connection before this one ends
 */
export type Ability = 'heads' | 'interim' | 'streams' | 'pipes' | 'resets' | 'successors';

export const DEADLINE_MS = 10_000;
/** More than any kind may keep for a consumer that takes nothing. */
export const MUCH_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 65_536;

/** Waits for what comes over a network. */
export async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + DEADLINE_MS; !condition();) {
    if (performance.now() > end) throw new Error(`not within ${DEADLINE_MS} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Bytes whose order shows. */
export function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
}

/** Who a test sends with: an exchange, both of its ends and what they took. */
export interface Opened {
  near: OpenedExchange;
  sink: RecordingSink;
  far: IncomingExchange;
  farSink: RecordingSink;
}

/** A connection of one kind for each test, with its far end. */
export class CarriedLab {
  carried!: Carried;
  /** how the far end begins with what comes in */
  holds = false;
  private incoming: Pick<Opened, 'far' | 'farSink'>[] = [];

  /** @param lacks what the kind cannot carry, and why */
  constructor(
    private readonly make: MakeCarried,
    private readonly lacks: Partial<Record<Ability, string>>,
  ) {}

  get connection(): AgentConnection {
    return this.carried.connection;
  }

  /** To be called in a `describe`: each test has a connection of its own. */
  forEachTest(): void {
    beforeEach(async () => {
      this.incoming = [];
      this.holds = false;
      this.carried = await this.make((far) => {
        const farSink = new RecordingSink();
        farSink.exchange = far;
        if (this.holds) farSink.hold();
        this.incoming.push({ far, farSink });
        return farSink;
      });
    });
    afterEach(() => this.carried.close());
  }

  /** A test of what not every kind can. */
  itCan(ability: Ability, title: string, test: () => Promise<void>): void {
    const why = this.lacks[ability];
    if (why === undefined) it(title, test);
    else it.skip(`${title} (${why})`, test);
  }

  /** @param send what to send before the far end is looked for: a kind may hand on nothing but whole requests */
  async open(
    over: Partial<OpenHead> = {},
    sink = new RecordingSink(),
    send: (near: Exchange) => void = () => undefined,
  ): Promise<Opened> {
    const { incoming } = this;
    const count = incoming.length;
    const near = this.connection.open({ ...GET, ...over }, sink);
    sink.exchange = near;
    send(near);
    await until(() => incoming.length > count);
    return { near, sink, ...(incoming[count] as Pick<Opened, 'far' | 'farSink'>) };
  }

  /** Leaves a request in the middle of its body, where the far end knows of it by then. */
  readonly uploading = (near: Exchange): void => {
    if (this.lacks.streams !== undefined) near.sendEnd();
  };
}

export const GET: OpenHead = { kind: ExchangeKind.http, method: 'GET', target: '/', headers: [], body: false };

/** Answers with a head and no body. */
export function answer(far: IncomingExchange): void {
  far.sendHead({ status: 200, reason: 'OK', headers: [] });
  far.sendEnd();
}

/** Sends until the exchange says to wait; the bytes that it took. */
export function fill(exchange: Exchange): number {
  for (let sent = CHUNK_BYTES; sent < MUCH_BYTES; sent += CHUNK_BYTES) {
    if (!exchange.sendData(Buffer.alloc(CHUNK_BYTES))) return sent;
  }
  throw new Error('no back pressure');
}
