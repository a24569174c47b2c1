import { IsInt, IsString } from 'class-validator';
import type { CallContext } from '../invocation/call-context.js';
import type { SignatureProblem } from './signature.js';
import type { Remote } from '../client/remote.js';
import { definitionOf } from './service-definition.js';
import { Getter, Method, Setter, State } from './method-decorators.js';
import { Service } from './service-decorator.js';

class Order {
  @IsString() item!: string;
  @IsInt() amount!: number;
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

interface Receipt {
  readonly items: readonly { readonly name: string; readonly tags?: string[] }[];
}

/* What is right compiles, and each @ts-expect-error below fails the type check once the signature is accepted. */
@Service('Signatures', { package: 'types' })
class Signatures {
  @Getter() @Setter() @State() count = 0;
  @State() private readonly notes: string[] = [];

  @Method() nothing(): void {
    this.notes.push('called');
  }
  @Method() text(value: string): string {
    return value;
  }
  @Method() bytes(value: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(value);
  }
  @Method() json(value: Receipt, _context: CallContext): Promise<Receipt> {
    return Promise.resolve(value);
  }
  @Method() order(value: Order): Receipt {
    return { items: [{ name: value.item }] };
  }
  @Method({ input: Order }) named(value: Order): number {
    return value.amount;
  }
  @Method() optional(by = 1): number {
    return by;
  }
  @Method() contextOnly(_: undefined, context: CallContext): string {
    return context.invocationId;
  }
  @Method() anything(value: unknown): unknown {
    return value;
  }
  @Method() record(value: Record<string, unknown>): { readonly meta: Record<string, unknown> } {
    return { meta: value };
  }
  @Method() tree(value: Json): Json {
    return value;
  }
  @Method() list(value: unknown[]): unknown[] {
    return value;
  }
  @Getter() get double(): number {
    return this.count * 2;
  }
  /** not for callers */
  helper(): number {
    return this.notes.length;
  }
}

class Wrong {
  // @ts-expect-error a Date does not come back as a Date
  @Method() date(): Date {
    return new Date();
  }
  // @ts-expect-error JSON has no bigint
  @Method() big(_value: bigint): void {
    return;
  }
  // @ts-expect-error a Map becomes {} in JSON
  @Method() map(): { readonly inner: Map<string, string> } {
    return { inner: new Map() };
  }
  // @ts-expect-error one input only
  @Method() two(a: number, b: number): number {
    return a + b;
  }
  // @ts-expect-error three parameters
  @Method() three(a: number, _context: CallContext, b: number): number {
    return a + b;
  }
  // @ts-expect-error the result holds a function
  @Method() callback(): Promise<{ done: () => void }> {
    return Promise.resolve({ done: () => undefined });
  }
  // @ts-expect-error the input is not the DTO
  @Method({ input: Order }) otherInput(value: { item: number }): number {
    return value.item;
  }
  // @ts-expect-error no state that JSON loses
  @State() since = new Date();
  // @ts-expect-error bytes are no JSON inside of something else
  @Getter() raw = new Uint8Array(0);
}

describe('@Method, @Getter, @Setter, @State (B16)', () => {
  it('read the input from the types', () => {
    const kinds = [...(definitionOf(Signatures)?.methods ?? [])].map(([name, { input }]) => [name, input]);
    expect(Object.fromEntries(kinds)).toEqual({
      nothing: 'none',
      text: 'text',
      bytes: 'bytes',
      json: 'json',
      order: Order,
      named: Order,
      optional: 'json',
      contextOnly: 'json',
      anything: 'json',
      record: 'json',
      tree: 'json',
      list: 'json',
    });
  });

  it('name what can be called, and what is kept', () => {
    const definition = definitionOf(Signatures);
    expect(definition).toMatchObject({ id: 'types.Signatures', stateFields: ['count', 'notes'] });
    expect([...(definition?.members.keys() ?? [])]).toEqual(
      expect.arrayContaining(['get_count', 'set_count', 'get_double', 'text']),
    );
    expect(definition?.members.has('helper')).toBe(false);
    expect(definition?.members.get('optional')?.optionalInput).toBe(true);
    expect(definition?.members.get('order')?.optionalInput).toBe(false);
  });

  it('have the defaults of the checklist', () => {
    expect(definitionOf(Signatures)?.members.get('text')).toMatchObject({
      ...{ stateless: false, serveWithAgent: false, timeoutMs: undefined, retryCount: 0, retryDelayMs: 1000 },
      delivery: 'at-most-once',
    });
  });

  it('a client has the types of the class', () => {
    const typed = (remote: Remote<Signatures>): void => {
      const text: Promise<string> = remote.text('a');
      const bytes: Promise<Uint8Array> = remote.bytes(new Uint8Array(1));
      const none: Promise<void> = remote.nothing();
      const optional: Promise<number> = remote.optional();
      const read: Promise<number> = remote.count();
      const written: Promise<void> = remote.count(3);
      const id: Promise<string> = remote.contextOnly();
      // @ts-expect-error the input is a string
      void remote.text(1);
      // @ts-expect-error the input is missing
      void remote.order();
      const told: keyof SignatureProblem<(context: CallContext) => string> =
        'the context is the second parameter: (_: undefined, context: CallContext)';
      expect([text, bytes, none, optional, read, written, id, told]).toHaveLength(8);
    };
    expect(typed).toBeInstanceOf(Function);
  });

  it('a subclass has what it inherits, and replaces what it declares again', () => {
    @Service('Sub')
    class Sub extends Signatures {
      @Method({ timeoutMs: 5 }) override nothing(): void {
        return;
      }
    }
    const members = definitionOf(Sub)?.members;
    expect(members?.get('nothing')?.timeoutMs).toBe(5);
    expect(members?.has('text')).toBe(true);
    expect(definitionOf(Signatures)?.members.get('nothing')?.timeoutMs).toBeUndefined();
  });
});

describe('a wrong declaration (B16)', () => {
  it('names the place and the option', () => {
    const declare = (options: object) => () => {
      class Bad {
        @Method(options) run(): void {
          return;
        }
      }
      return Bad;
    };
    expect(declare({ timeoutMs: 0 })).toThrow(
      'Bad.run: timeoutMs is 0; it must be a whole number from 1 to 2147483647',
    );
    expect(declare({ retryCount: -1 })).toThrow('Bad.run: retryCount is -1');
    expect(declare({ retryDelayMs: 1.5 })).toThrow('Bad.run: retryDelayMs is 1.5');
    expect(declare({ name: 'a/b' })).toThrow("Bad.run: the name 'a/b'");
  });

  it('what could never do what it says', () => {
    class Plain {
      a = 1;
    }
    const declare = (decorate: (prototype: object) => void) => () => {
      class Bad {
        static shared(): void {
          return;
        }
        get twice(): number {
          return 2;
        }
        run(): void {
          return;
        }
      }
      decorate(Bad.prototype);
      return Bad;
    };
    const descriptor = { value: (): void => undefined };
    const input = Plain as never;
    expect(declare((prototype) => Method({ input })(prototype, 'run', descriptor as never))).toThrow(
      'Bad.run: the class Plain has no rules of class-validator',
    );
    expect(declare((prototype) => Method()(prototype.constructor, 'shared', descriptor))).toThrow(
      'Bad.shared is static',
    );
    expect(declare((prototype) => State()(prototype, 'twice'))).toThrow('Bad.twice is no field');
    const options = { retryCount: 1, timeoutMs: 500 };
    expect(declare((prototype) => Method(options)(prototype, 'run', descriptor))).toThrow(
      'Bad.run: with retryDelayMs 1000 no retry fits into timeoutMs 500',
    );
  });

  it('names that cannot stand in a message key', () => {
    expect(() => Service('a/b')(Wrong)).toThrow("the name 'a/b'");
    expect(() => Service('A', { package: 'x.*' })(Wrong)).toThrow("the package 'x.*'");
    expect(() => Service('A', { package: 'x'.repeat(128) })(Wrong)).toThrow('127 characters at most');
  });

  it('two members of one name, and names that a client has itself', () => {
    class Twice {
      @Method({ name: 'go' }) first(): void {
        return;
      }
      @Method({ name: 'go' }) second(): void {
        return;
      }
    }
    expect(() => Service('Twice')(Twice)).toThrow("Twice: first and second have the same name 'go'");
    const own = (): unknown => {
      class Own {
        @Method({ stateless: true }) close(): void {
          return;
        }
      }
      return Own;
    };
    expect(own).toThrow("Own.close: a client has a 'close' of its own");
  });
});
