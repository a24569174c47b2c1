import { createHash, randomBytes } from 'node:crypto';
import { type Log, silentLog } from '@berth/observability';
import { BrokerClock, type Moment } from './broker-clock.js';
import { Latch } from './latch.js';
import { type Connection, Link, type LinkOptions } from './link.js';
import type { RedisBusLimits } from './options.js';
import { type Args, Pipeline, Step } from './pipeline.js';
import { busScript } from './script.js';

export interface SessionEvents {
  /** an id of the inbox that has been read, if it was not told before; '' otherwise */
  trim(): string;
  /** the broker has lost its memory: caller and worker have new names, and the pipeline is empty */
  forgotten(): void;
  /** others have declared this worker dead: it has a new name */
  declaredDead(): void;
  /** this worker counts as alive again, or still */
  alive(): void;
}

type HelloAnswer = readonly [now: number, status: string, last: number];

/** Part of workerTimeoutMs that a broken connection may use up before others are suspected. */
const PATIENCE = 1.2;

/** Who this process is to the broker, over all of its connections. */
export class Session {
  /** as the caller of invocations */
  caller = newName();
  /** as a worker: another one each time that it is declared dead */
  worker = `${this.caller}.1`;
  #workers = 1;
  readonly pipeline: Pipeline;
  /** whether the broker is there */
  readonly up = new Latch();
  reason = 'not connected yet';
  readonly #link: Link;
  readonly #log: Log;
  readonly #script: string;
  readonly #sha: string;
  #up: Connection | undefined;
  #callerKnown = false;
  #workerKnown = false;
  #upSince = 0;
  #aliveUntil = -Infinity;
  readonly #clock = new BrokerClock();
  #timer: NodeJS.Timeout | undefined;
  /** where a beat is under way */
  #beating: Connection | undefined;
  #closed = false;

  constructor(
    private readonly limits: RedisBusLimits,
    options: LinkOptions,
    private readonly events: SessionEvents,
  ) {
    this.#log = options.log ?? silentLog;
    this.#script = busScript(limits);
    this.#sha = createHash('sha1').update(this.#script).digest('hex');
    this.#link = new Link(options, {
      up: (connection) => void this.#greet(connection),
      down: (reason) => this.#down(reason),
    });
    this.pipeline = new Pipeline({
      submit: (sequence, ops) =>
        this.#evaluate(this.#up, [
          ...['batch', this.caller, String(sequence), events.trim(), String(this.#clock.at(performance.now()))],
          ...ops,
        ]),
      answered: (answer) => this.#answered(answer),
      failed: (thrown) => this.#failed(thrown),
      dropped: (why) => this.#log.error({ why }, 'redis bus: the broker could not do a step, which is dropped'),
    });
  }

  /** ms to add to our clock for the broker's */
  get clockOffsetMs(): number {
    return this.#clock.offsetMs;
  }

  /** Whether nobody can have declared this worker dead: what has not begun by then must not begin. */
  get alive(): boolean {
    return performance.now() < this.#aliveUntil;
  }

  start(): void {
    this.#link.start();
  }

  /** Resolves when the broker has done all that was pushed before, or after a time. */
  async settled(timeoutMs: number): Promise<void> {
    if (this.#closed) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.pipeline.settled(), late]);
    clearTimeout(timer);
  }

  /**
   * Asks the broker for its time, where a clock may have been set, or have stood still. {@link SessionEvents.alive}
   * comes when it is known.
   */
  measure(): void {
    void this.#beat();
  }

  /** A command beside the script; fails when the broker is away. */
  command<T>(args: Args, typeMapping: Record<number, unknown> = {}): Promise<T> {
    if (this.#up === undefined) return Promise.reject(new Error(this.reason));
    return this.#up.sendCommand<T>(args, { typeMapping });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#up = undefined;
    this.up.set(false);
    this.pipeline.forget();
    this.#link.close();
    this.up.release();
  }

  async #greet(connection: Connection): Promise<void> {
    try {
      await connection.sendCommand(['SCRIPT', 'LOAD', this.#script]);
      for (;;) {
        const sentAt = thisMoment();
        const known = [this.#callerKnown ? '1' : '0', this.#workerKnown ? '1' : '0'];
        const answer = await this.#evaluate(connection, ['hello', this.caller, this.worker, ...known]);
        if (this.#link.connection !== connection) return;
        const [now, status, last] = answer as HelloAnswer;
        // A broker that knows less than it said it did has lost the end of its memory: the same as all of it.
        if (status === 'LOST' || (this.#callerKnown && last < this.pipeline.done)) {
          this.#forgotten();
        } else if (status === 'GONE') {
          this.#declaredDead();
        } else {
          this.#callerKnown = true;
          this.#workerKnown = true;
          this.#measured(now, sentAt);
          this.#isUp(connection, last);
          return;
        }
      }
    } catch (thrown) {
      this.#link.drop(connection, thrown);
    }
  }

  #isUp(connection: Connection, last: number): void {
    this.#up = connection;
    this.#upSince = performance.now();
    this.#link.proven();
    this.#log.debug({ caller: this.caller, worker: this.worker }, 'redis bus connected');
    this.pipeline.resume(last);
    this.up.set(true);
    this.#beatLater();
    this.events.alive();
  }

  #down(reason: string): void {
    this.reason = reason;
    clearTimeout(this.#timer);
    if (this.#up === undefined) return;
    this.#up = undefined;
    this.up.set(false);
    this.#log.warn({ reason }, 'redis bus: the broker is away');
    this.pipeline.pause();
  }

  #failed(thrown: unknown): void {
    if (this.#up !== undefined) this.#link.drop(this.#up, thrown);
  }

  #answered(answer: unknown): void {
    // In any case a new greeting tells how it stands.
    if (answer === 'LOST' || answer === 'GAP' || answer === 'GONE')
      this.#failed(new Error(`the broker says ${answer}`));
    else this.#failed(new Error('the broker gave an answer that is none'));
  }

  #forgotten(): void {
    this.#log.warn({ caller: this.caller, worker: this.worker }, 'redis bus: the broker has lost its memory');
    const before = this.worker;
    this.caller = newName();
    this.#renameWorker();
    this.#callerKnown = false;
    this.#workerKnown = false;
    this.pipeline.forget();
    // A broker that has lost only the end of its memory would give to it what nobody answers.
    this.pipeline.push(new Step(['R', before]));
    this.events.forgotten();
  }

  #declaredDead(): void {
    this.#log.warn({ worker: this.worker }, 'redis bus: others have declared this worker dead');
    this.#renameWorker();
    this.#workerKnown = false;
    this.#aliveUntil = -Infinity;
    this.events.declaredDead();
  }

  #renameWorker(): void {
    this.#workers += 1;
    this.worker = `${this.caller}.${this.#workers}`;
  }

  #beatLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#beat(), this.limits.workerTimeoutMs / 3);
  }

  async #beat(): Promise<void> {
    const connection = this.#up;
    if (connection === undefined || connection === this.#beating) return;
    this.#beating = connection;
    clearTimeout(this.#timer);
    const { worker, caller } = this;
    try {
      for (let more = 1; more === 1;) {
        const sentAt = thisMoment();
        // After a break all seem dead that have not come back yet.
        const mayReap = performance.now() - this.#upSince > this.limits.workerTimeoutMs * PATIENCE;
        const args = ['beat', caller, worker, this.events.trim(), mayReap ? '1' : '0'];
        const answer = await this.#evaluate(connection, args);
        if (this.#up !== connection) return;
        const [now, status, left] = answer as HelloAnswer;
        if (status !== 'DONE') {
          this.#answered(status);
          return;
        }
        this.#measured(now, sentAt);
        this.events.alive();
        more = left;
      }
      this.#beatLater();
    } catch (thrown) {
      if (this.#up === connection) this.#link.drop(connection, thrown);
    } finally {
      if (this.#beating === connection) this.#beating = undefined;
    }
  }

  #measured(brokerNow: number, sent: Moment): void {
    this.#clock.measured(brokerNow, sent, thisMoment());
    this.#aliveUntil = sent.steady + this.limits.workerTimeoutMs;
  }

  #evaluate(connection: Connection | undefined, args: Args): Promise<unknown> {
    if (connection === undefined) return Promise.reject(new Error(this.reason));
    return connection.sendCommand(['EVALSHA', this.#sha, '0', ...args]);
  }
}

function thisMoment(): Moment {
  return { clock: Date.now(), steady: performance.now() };
}

/** Nobody else's: 15 random bytes. */
function newName(): string {
  return randomBytes(15).toString('base64url');
}
