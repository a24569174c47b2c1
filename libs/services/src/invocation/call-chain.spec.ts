import { client, type ServiceClient } from '../client/client.js';
import { Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { InvocationError } from '../errors.js';
import { Services } from '../runtime/services.js';
import { callOf, encodeCall } from '../bus/engine/call-codec.js';
import { decode } from '../bus/engine/message.js';
import { decodeObjectRequest, encodeRequest } from '../wire/requests.js';
import type { CallContext } from './call-context.js';
import { chainWith, checkChain, currentChain, MAX_CHAIN_LENGTH } from './call-chain.js';
import type { Invocation } from './invocation.js';

/** Each of them asks the next on its way, and the last one says who waits. */
@Service('Node', { package: 'ring' })
class Node {
  static nodes: ServiceClient<Node>;
  static attempts = 0;
  static later: Promise<unknown> | undefined;
  @State() visits: number = 0;

  @Method() async ask(way: string[], { callers }: CallContext): Promise<string[]> {
    const [next, ...rest] = way;
    return next === undefined ? [...callers] : Node.nodes.object(next).ask(rest);
  }
  @Method({ serveWithAgent: true }) async work(way: string[], { callers }: CallContext): Promise<string[]> {
    const [next, ...rest] = way;
    return next === undefined ? [...callers] : Node.nodes.object(next).work(rest);
  }
  @Method({ retryCount: 3, retryDelayMs: 1 }) async again(self: string): Promise<string[]> {
    Node.attempts += 1;
    return Node.nodes.object(self).ask([]);
  }
  @Method() async around(self: string): Promise<string[]> {
    return Node.nodes.through(self);
  }
  @Method({ stateless: true }) async through(id: string): Promise<string[]> {
    return Node.nodes.object(id).ask([]);
  }
  @Method() tell(self: string): void {
    Node.later = Node.nodes.object(self, { detached: true }).count();
  }
  @Method() tellLater(self: string): void {
    Node.later = new Promise<void>((resolve) => setImmediate(resolve)).then(() => Node.nodes.object(self).count());
  }
  @Method() count(): number {
    return (this.visits += 1);
  }
}

const A = 'ring.Node/0/a';
const B = 'ring.Node/0/b';
const cycle = (ring: string): unknown =>
  expect.objectContaining({
    code: 'BERTH_SERVICE_CALL_CYCLE',
    status: 'APP_ERROR',
    message: expect.stringContaining(`would wait for itself: ${ring};`) as string,
  });

describe.each(['in this process', 'over gRPC'] as const)('calls of objects by objects, %s', (way) => {
  let services: Services;
  beforeEach(async () => {
    services = new Services({ mock: way === 'in this process', services: [Node], server: { host: '127.0.0.1' } });
    await services.startServer({ port: 0 });
    await services.startAgent(Node);
    const address = `127.0.0.1:${services.getServerInfo().port}`;
    Node.nodes = client(Node, way === 'in this process' ? { services } : { address, bus: services.bus });
    Node.attempts = 0;
  });
  afterEach(async () => {
    await Node.nodes.close();
    await services.close();
  });

  it('know who waits for them', async () => {
    expect(await Node.nodes.object('a').ask(['b', 'c'])).toEqual([A, B]);
    expect(await Node.nodes.object('a').work(['b', 'c'])).toEqual([A, B]);
  });

  it('are refused at once by an object that calls itself, or around a ring', async () => {
    await expect(Node.nodes.object('a').ask(['a'])).rejects.toEqual(cycle(`${A} -> ${A}`));
    await expect(Node.nodes.object('a').ask(['b', 'a'])).rejects.toEqual(cycle(`${A} -> ${B} -> ${A}`));
    await expect(Node.nodes.object('x').work(['a', 'b', 'a'])).rejects.toEqual(cycle(`${A} -> ${B} -> ${A}`));
    await expect(Node.nodes.object('a').around('a')).rejects.toBeInstanceOf(InvocationError);
    await expect(Node.nodes.object('a').around('a')).rejects.toEqual(cycle(`${A} -> ${A}`));
    // Nothing is stuck.
    expect(await Node.nodes.object('a').ask(['b'])).toEqual([A]);
  });

  it('are not tried again when they are refused', async () => {
    await expect(Node.nodes.object('a').again('a')).rejects.toEqual(cycle(`${A} -> ${A}`));
    expect(Node.attempts).toBe(1);
  });

  it('come through when nobody waits: detached, or after the method has ended', async () => {
    await Node.nodes.object('a').tell('a');
    expect(await Node.later).toBe(1);
    await Node.nodes.object('a').tellLater('a');
    expect(await Node.later).toBe(2);
  });

  it('have nothing of those that run beside them, or were before them in the queue', async () => {
    const all = Array.from({ length: 20 }, (_, i) => Node.nodes.object(i % 2 === 0 ? 'a' : 'c').work(['b']));
    for (const [i, callers] of (await Promise.all(all)).entries())
      expect(callers).toEqual([i % 2 === 0 ? A : 'ring.Node/0/c']);
    expect(currentChain()).toBeUndefined();
  });
});

describe('the chain of a call', () => {
  const place = { service: 'ring.Node', partition: 0 };
  const call: Invocation = {
    ...{ id: '1', ...place, method: 'ask', objectId: 'c', payload: new Uint8Array(0), options: { a: 'b' } },
    chain: `${A}\n${B}`,
  };

  it('is bounded: of a long one the outermost are left out', () => {
    let chain: string | undefined;
    for (let i = 0; i < 1000; i += 1) chain = chainWith(chain, place, `object-${i}`);
    expect(chain?.length).toBeLessThanOrEqual(MAX_CHAIN_LENGTH);
    expect(() => checkChain(chain ?? '', place, 'object-0')).not.toThrow();
    expect(() => checkChain(chain ?? '', place, 'object-990')).toThrow('object-999 -> ring.Node/0/object-990;');
    // The start of another id is no object of the ring.
    expect(() => checkChain(chain ?? '', place, 'object-99')).not.toThrow();
  });

  it('travels over gRPC as an option that no method sees; one that is too long is refused', () => {
    const { chain, options, problem } = decodeObjectRequest(encodeRequest(call));
    expect([chain, { ...options }, problem]).toEqual([call.chain, { a: 'b' }, undefined]);
    const long = decodeObjectRequest(encodeRequest({ ...call, chain: 'x'.repeat(MAX_CHAIN_LENGTH + 1) }));
    expect([long.chain, long.problem?.code]).toEqual([undefined, 'BERTH_SERVICE_BAD_PAYLOAD']);
  });

  it('travels between processes of a bus, with an idempotency key and without', () => {
    const sent = {
      number: 1,
      attempt: 1,
      behind: 0,
      delivery: 'at-least-once',
      key: `oprc/${A.replace('/a', '/objects/a')}/invokes/ask`,
    } as const;
    for (const [given, expected] of [
      [call, call.chain],
      [{ ...call, idempotencyKey: 'k' }, call.chain],
      [{ ...call, chain: undefined }, undefined],
      [{ ...call, chain: 'x'.repeat(MAX_CHAIN_LENGTH + 1) }, undefined],
    ] as const) {
      const { head, payload } = decode(encodeCall('me', { ...sent, invocation: given }, 1000)) ?? {
        head: [''],
        payload: undefined,
      };
      const arrived = callOf(head, payload)?.invocation;
      expect([arrived?.chain, arrived?.idempotencyKey]).toEqual([expected, given.idempotencyKey]);
      const after = callOf(decode(encodeCall('me', { ...sent, behind: 7, invocation: given }, 1000))?.head ?? ['']);
      expect(after).toMatchObject({ behind: 7, invocation: { ...arrived, payload: new Uint8Array(0) } });
    }
  });
});
