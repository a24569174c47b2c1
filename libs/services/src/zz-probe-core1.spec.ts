import { setTimeout as sleep } from 'node:timers/promises';
import { getEventListeners } from 'node:events';
import { IsInt, IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { Transform, Type } from 'class-transformer';
import { client, Getter, Method, Service, Services, ServiceObject, Setter, State, MemoryStore, MemoryBus, AppError, defaultServices, closeServices, getServerInfo, type CallContext, configureServices, definitionOf } from './index.js';
import { Activation } from './objects/activation.js';

const out = (name: string, ...x: unknown[]) => process.stderr.write(`## ${name}: ${x.map((v) => (typeof v === 'string' ? v : JSON.stringify(v, (_k, y: unknown) => (typeof y === 'bigint' ? `${y}n` : y instanceof Error ? `${y.name} ${(y as { code?: string }).code} ${y.message}` : y)))).join(' | ')}\n`);
const tryIt = (p: Promise<unknown>) => p.then((v) => ({ ok: v }), (e: unknown) => { const x = e as Error & { code?: string; status?: string }; return `${x.name} ${x.status ?? ''} ${x.code} ${x.message}`; });
const timed = async (p: Promise<unknown>) => { const t = Date.now(); const r = await tryIt(p); return [r, `${Date.now() - t} ms`]; };
let runs: string[] = [];

@Service('A', { package: 'zz' })
class A extends ServiceObject {
  @Setter() @State() secret: string = 'initial';
  @Getter() @State() value: number = 1;
  @Setter() @State() label: string | null = null;
  @Setter() @Getter() @State() num: number | null = 5;
  @Getter() get theSecret(): string { return this.secret; }
  @Method({ delivery: 'at-least-once' }) reserve(): string { runs.push('reserve'); return 'reserved'; }
  @Method({ delivery: 'at-least-once' }) charge(): string { runs.push('charge'); return 'charged'; }
  @Method() inc(by?: number): number { return (by ?? 1) + 1; }
  @Method({ stateless: true }) greet(name: string = 'World'): string { return `Hello ${name}`; }
  @Method({ stateless: true }) nul(x: string | null): string { return `got ${x}`; }
  @Method({ stateless: true }) buf(x: Buffer): string { return x.toString('hex'); }
  @Method({ stateless: true }) mut(x: Uint8Array): void { x[0] = 99; }
  @Method() hang(_: undefined, { signal }: CallContext): Promise<void> { return new Promise((r) => signal.addEventListener('abort', () => r())); }
  @Method({ timeoutMs: 100 }) quick(): string { runs.push('quick'); return 'q'; }
  @Method({ timeoutMs: 1000 }) slow(): Promise<void> { return sleep(800); }
  @Method({ stateless: true }) fast(): string { runs.push('fast'); return 'f'; }
  @Method({ stateless: true, retryCount: 5, retryDelayMs: 300 }) retry(): string { runs.push('retry'); throw new Error('x'); }
  @Method({ stateless: true }) ctxObject(_: undefined, { objectId }: CallContext): string { return String(objectId); }
  @Method({ stateless: true }) throwsOdd(): string { throw Object.create(null); }
  @Method({ stateless: true }) throwsMsg(): string { throw Object.assign(new Error('x'), { message: 1n }); }
  @Method({ stateless: true }) app(): string { throw new AppError('NO', 'no'); }
  @Method() async add(by: number): Promise<number> { this.value += by; return this.value; }
}

const make = (more: object = {}) => new Services({ mock: true, services: [A], ...more });

describe('probe', () => {
  beforeEach(() => { runs = []; });
  it('accessors', async () => {
    const s = make(); await s.startServer();
    const a = client(A, { services: s }).object('1');
    out('write to @Getter-only', await tryIt(a.value(77)), await tryIt(a.value()));
    out('read of @Setter-only', await tryIt(a.secret()), 'secret is now', await tryIt(a.theSecret()));
    out('label(null)', await tryIt(a.label(null)), 'num(null)', await tryIt(a.num(null)), 'num()', await tryIt(a.num()));
    out('kinds', [...(definitionOf(A)?.members ?? [])].map(([n, m]) => `${n}:${m.input.kind}`).join(' '));
    await s.close();
  });
  it('idempotency key across methods', async () => {
    const s = make(); await s.startServer();
    const a = client(A, { services: s }).object('1', { idempotencyKey: 'order-1' });
    out('idem', await tryIt(a.reserve()), await tryIt(a.charge()), runs);
    await s.close();
  });
  it('inputs', async () => {
    const s = make(); await s.startServer();
    const c = client(A, { services: s });
    out('inc(?)', await tryIt(c.object('1').inc()));
    out('greet()', await tryIt(c.greet()));
    out('nul(null)', await tryIt(c.nul(null)));
    out('buf', await tryIt(c.buf(Buffer.from([1, 2]))), await tryIt(c.buf(new Uint8Array([1, 2]) as Buffer)));
    const bytes = new Uint8Array([1]); await c.mut(bytes); out('mut by local', bytes[0]);
    const { fast } = c; let r: unknown; try { r = await tryIt(fast()); } catch (e) { r = `SYNC ${String(e)}`; }
    out('destructured', r);
    out('throwsOdd', await tryIt(c.throwsOdd()), 'inFlight', [...s.services()][0]?.members.get('throwsOdd')?.stats.inFlight);
    out('throwsMsg', await tryIt(c.throwsMsg()), 'inFlight', [...s.services()][0]?.members.get('throwsMsg')?.stats.inFlight);
    await s.close();
  });
  it('local signals', async () => {
    const s = make(); await s.startServer();
    const ac = new AbortController();
    const c = client(A, { services: s });
    for (let i = 0; i < 50; i++) await c.with({ signal: ac.signal }).fast();
    out('listeners left', getEventListeners(ac.signal, 'abort').length);
    runs = [];
    ac.abort();
    out('aborted before', await tryIt(c.with({ signal: ac.signal }).fast()), runs);
    await s.close();
  });
  it('queue deadline', async () => {
    const s = make(); await s.startServer();
    const c = client(A, { services: s });
    const slow = c.object('q').slow();
    out('quick (100 ms) behind slow (800 ms)', await timed(c.object('q').quick()));
    await slow;
    const slow2 = c.object('q').slow();
    out('client timeoutMs 50 behind slow', await timed(c.object('q', { timeoutMs: 50 }).add(1)));
    await slow2;
    const slow3 = c.object('q').slow();
    const ac = new AbortController(); runs = [];
    const p = tryIt(c.object('q', { signal: ac.signal, timeoutMs: 5000 }).add(1)); ac.abort(); 
    out('cancelled in queue', await p); await slow3; await sleep(5);
    out('value afterwards', await tryIt(c.object('q').value()));
    await s.close();
  });
  it('hanging factory', async () => {
    let hang = true;
    const s = make({ defaultTimeoutMs: 200, create: (t: new () => object) => (hang ? new Promise<object>(() => undefined) : new t()) });
    await s.startServer();
    const c = client(A, { services: s });
    const first = await Promise.race([timed(c.object('h', { timeoutMs: 200 }).value()), sleep(1000, 'still hanging after 1 s')]);
    hang = false;
    const second = await Promise.race([timed(c.object('h', { timeoutMs: 200 }).value()), sleep(1000, 'next call hangs too')]);
    const st = await Promise.race([timed(c.with({ timeoutMs: 200 }).fast()), sleep(1000, 'stateless ok?')]);
    out('hanging factory', first, second, st, 'inFlight', [...s.services()][0]?.members.get('get_value')?.stats.inFlight);
    await s.close();
  });
  it('hanging shared factory', async () => {
    let hang = true;
    const s = make({ create: (t: new () => object) => (hang ? new Promise<object>(() => undefined) : new t()) });
    await s.startServer();
    const c = client(A, { services: s, timeoutMs: 200 });
    const first = await Promise.race([timed(c.fast()), sleep(700, 'still hanging')]);
    hang = false;
    const second = await Promise.race([timed(c.fast()), sleep(700, 'next call hangs too, for ever')]);
    out('hanging shared', first, second);
    await s.close();
  });
  it('failing factory', async () => {
    const s = make({ create: () => { throw new Error('db password wrong for 10.0.0.7'); } });
    await s.startServer();
    const c = client(A, { services: s });
    out('failing factory', await tryIt(c.object('x').value()), await tryIt(c.fast()));
    const s2 = make({ create: () => undefined as never }); await s2.startServer();
    out('factory gives undefined', await tryIt(client(A, { services: s2 }).object('x').value()), await tryIt(client(A, { services: s2 }).fast()));
    await s.close(); await s2.close();
  });
  it('active objects over max', async () => {
    const s = make({ maxActiveObjects: 10 }); await s.startServer();
    const c = client(A, { services: s });
    await Promise.all(Array.from({ length: 500 }, (_, i) => c.object(`o${i}`).add(1)));
    const after = s.activeObjects;
    for (let i = 0; i < 500; i++) await c.object(`p${i}`).add(1);
    out('active objects, max 10', after, 'and after 500 more one by one', s.activeObjects);
    await s.close();
  });
  it('timeouts NaN', async () => {
    const s = make(); await s.startServer();
    const c = client(A, { services: s });
    out('NaN', await timed(c.object('n', { timeoutMs: NaN }).slow()), 'neg', await timed(c.object('n', { timeoutMs: -5 }).fast()), 'partition -1', await tryIt(c.object('n', { partition: -1 }).add(1)), 'partition 0.5', await tryIt(c.object('n', { partition: 0.5 }).add(1)));
    await s.close();
  });
  it('ctx.objectId', async () => {
    const s = make(); await s.startServer();
    const r = await s.localServer().invoke({ id: 'x', service: 'zz.A', method: 'ctxObject', partition: 0, objectId: '7', payload: new Uint8Array(0), options: {} }, { delivery: 'at-most-once' });
    out('ctx.objectId in a stateless call', Buffer.from(r.payload ?? []).toString());
    await s.close();
  });
  it('mock close with a call running', async () => {
    const s = make(); await s.startServer();
    const c = client(A, { services: s });
    const p = timed(c.object('q').add(1)); const slow = timed(c.object('z').slow());
    out('mock close', await timed(s.close()), await p, await slow);
    const s2 = make(); await s2.startServer();
    const pp = tryIt(client(A, { services: s2 }).retry());
    await sleep(10); await s2.close(); const n = runs.length; await sleep(700);
    out('runs after close (retry)', n, runs.length);
    await pp;
  }, 30000);
  it('app errors and health', async () => {
    const s = make(); await s.startServer();
    for (let i = 0; i < 20; i++) await tryIt(client(A, { services: s }).app());
    out('health after AppErrors', s.health().status);
    await s.close();
  });
});
