import { fileURLToPath } from 'node:url';
import { Child } from '@berth/testing';
import { Getter, Method, State } from '../src/definition/method-decorators.js';
import { Service } from '../src/definition/service-decorator.js';

/** What {@link LedgerAgent} serves, for clients. */
@Service('Ledger', { package: 'chaos' })
export class Ledger {
  @Getter({ serveWithAgent: true }) @State() total: number = 0;

  @Method({ serveWithAgent: true, delivery: 'at-least-once' }) add(): number {
    return this.total;
  }

  @Method({ serveWithAgent: true }) touch(_number: number): number {
    return this.total;
  }

  @Method({ serveWithAgent: true }) slow(_ms: number): Promise<number> {
    return Promise.resolve(this.total);
  }

  @Method({ serveWithAgent: true, stateless: true }) mark(_number: number): number {
    return 0;
  }

  @Method({ serveWithAgent: true, stateless: true }) left(): number {
    return 0;
  }
}

const LIBRARY = new URL('../dist/index.js', import.meta.url).href;

// The built library, since the program has no decorators of its own.
const PROGRAM = `
import { setTimeout as sleep } from 'node:timers/promises';
const { Getter, Method, NatsBus, NatsStore, Service, Services, State } = await import(${JSON.stringify(LIBRARY)});
const [servers, storage] = process.argv.slice(1);
const SystemDate = Date;
let ahead = 0;
globalThis.Date = class extends SystemDate {
  constructor(...args) { super(...(args.length === 0 ? [SystemDate.now() + ahead] : args)); }
  static now() { return SystemDate.now() + ahead; }
};
class Ledger {
  total = 0;
  add() { this.total += 1; return this.total; }
  touch(number) { console.log('touch ' + number); this.total += 1; return this.total; }
  async slow(ms) { console.log('slow begins'); await sleep(ms); this.total += 1000; return this.total; }
  mark(number) { console.log('mark ' + number); return process.pid; }
  left(_, { deadline }) { return deadline - Date.now(); }
}
const decorate = (decorator, name) => decorator(Ledger.prototype, name, Object.getOwnPropertyDescriptor(Ledger.prototype, name));
decorate(State(), 'total');
decorate(Getter({ serveWithAgent: true }), 'total');
decorate(Method({ serveWithAgent: true, delivery: 'at-least-once' }), 'add');
decorate(Method({ serveWithAgent: true, input: 'number' }), 'touch');
decorate(Method({ serveWithAgent: true, input: 'number' }), 'slow');
decorate(Method({ serveWithAgent: true, stateless: true, input: 'number' }), 'mark');
decorate(Method({ serveWithAgent: true, stateless: true }), 'left');
Service('Ledger', { package: 'chaos' })(Ledger);
const services = new Services({
  services: [Ledger], bus: await NatsBus.connect({ servers }), store: await NatsStore.open({ servers: storage }),
});
await services.startAgent(Ledger);
console.log('ready now');
process.stdin.on('data', (ms) => { ahead = Number(ms); console.log('clock set'); }).once('end', () => process.exit());
`;

/** A process with an agent of {@link Ledger}, which says what it begins; it ends with its parent. */
export class LedgerAgent extends Child {
  private constructor(servers: string, storage: string) {
    super(process.execPath, ['--input-type=module', '-e', PROGRAM, servers, storage], {
      name: 'agent',
      cwd: fileURLToPath(new URL('..', import.meta.url)),
    });
  }

  /** Resolves when it serves. @param storage where its objects are, if not where its calls are */
  static async start(servers: string, storage = servers): Promise<LedgerAgent> {
    const agent = new LedgerAgent(servers, storage);
    await agent.printed(/ready (now)\n/);
    return agent;
  }

  /** Sets its clock. @param aheadMs of the system's clock */
  async setClock(aheadMs: number): Promise<void> {
    const before = this.stdout.length;
    this.process.stdin?.write(String(aheadMs));
    await this.until('the clock', 5000, () => this.stdout.includes('clock set', before) || undefined);
  }

  /** The numbers of the `touch` and `mark` calls that it has begun. */
  get begun(): string[] {
    return this.stdout.match(/^(?:touch|mark) \d+$/gm) ?? [];
  }
}
