import { json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Getter, Method, type ServiceMethodDecorator, Setter, State } from './method-decorators.js';
import { Service } from './service-decorator.js';
import type { FieldInputProblem, ReadonlyProblem, StaticProblem } from './signature.js';

type Speed = 'fast' | 'slow';

@Service('Sample', { package: 'test' })
class Written {
  @Getter() @Setter() @State() count: number = 0;
  @Getter() @Setter({ input: 'number' }) @State() step = 1;
  @Getter() @Setter({ input: 'text' }) @State() speed: Speed = 'fast';
  @Getter() @Setter({ input: 'json' }) @State() limit: number | null = 1;
  @Getter() @Setter() @State() tags: readonly string[] = [];
  @Setter() @State() note?: string;
  @Getter() readonly version: number = 1;

  @Getter() @Setter() get twice(): number {
    return this.count * 2;
  }
  set twice(value: number) {
    this.count = value / 2;
  }
  @Setter() set half(value: number) {
    this.count = value * 2;
  }
}

@Service('Inferred', { package: 'test' })
class Inferred {
  @Getter() @Setter() @State() step = 1;
}

@Service('Either', { package: 'test' })
class Either {
  @Getter() @Setter() @State() limit: number | null = 1;
}

/** Only compiled: at run time the decorators refuse the class. */
const wrong = (): unknown => {
  class Wrong {
    // @ts-expect-error a text is no number
    @Setter({ input: 'text' }) step = 1;
    // @ts-expect-error the field may be null, and the option says a number
    @Setter({ input: 'number' }) name: string | null = null;
    // @ts-expect-error nobody can write it
    @Setter() readonly fixed: number = 1;
    // @ts-expect-error it has no set accessor
    @Setter() get read(): number {
      return 1;
    }
    // @ts-expect-error services offer what instances have
    @Method() static run(): void {
      return;
    }
    // @ts-expect-error services offer what instances have
    @Getter() static shown: number = 1;
    // @ts-expect-error services offer what instances have
    @Setter() static written: number = 1;
    // @ts-expect-error services offer what instances have
    @State() static kept: number = 1;
  }
  return Wrong;
};

describe('@Getter and @Setter (B16)', () => {
  const { call } = testExecutor([Written, Inferred, Either]);
  const calls = async (method: string, payload?: Uint8Array, service = 'test.Sample'): Promise<unknown> =>
    valueOf(await call(method, { service, objectId: 'a', ...(payload === undefined ? {} : { payload }) }));
  const notNumber = {
    error: { code: 'BERTH_SERVICE_BAD_PAYLOAD', message: 'the payload cannot be read: it must be a number' },
  };

  it('check what is written by the type, or by the option input', async () => {
    expect(await calls('set_count', json('abc'))).toMatchObject(notNumber);
    expect(await calls('set_step', json('abc'))).toMatchObject(notNumber);
    expect(await calls('set_twice', json('abc'))).toMatchObject(notNumber);
    await calls('set_step', json(5));
    await calls('set_speed', Buffer.from('slow'));
    await calls('set_limit', json(null));
    await calls('set_half', json(4));
    expect([await calls('get_step'), await calls('get_speed'), await calls('get_limit')]).toEqual([5, 'slow', null]);
    expect(await calls('get_twice')).toBe(16);
  });

  it('refuse a written field whose type nobody has said', async () => {
    const says = (field: string) =>
      `${field} can be written, and the compiler leaves no type to check it by: write its type out`;
    const invalid = (field: string) => ({
      error: { code: 'BERTH_SERVICE_INVALID', message: expect.stringContaining(says(field)) as string },
    });
    expect(await calls('set_step', json('abc'), 'test.Inferred')).toMatchObject(invalid('Inferred.step'));
    expect(await calls('get_step', undefined, 'test.Inferred')).toMatchObject(invalid('Inferred.step'));
    expect(await calls('set_limit', json('abc'), 'test.Either')).toMatchObject(invalid('Either.limit'));
  });

  it('refuse an accessor that lacks what they need, and a method', () => {
    class Accessors {
      get read(): number {
        return 1;
      }
      set written(_value: number) {
        return;
      }
      run(): void {
        return;
      }
    }
    const { prototype } = Accessors;
    expect(() => Setter()(prototype, 'read' as never)).toThrow(
      'Accessors.read has no `set`, so nobody can write it: @Setter needs one',
    );
    expect(() => Getter()(prototype, 'written')).toThrow(
      'Accessors.written has no `get`, so nobody can read it: @Getter needs one',
    );
    expect(() => Getter()(prototype, 'run' as never)).toThrow(
      'Accessors.run is a method: @Getter belongs to fields and accessors',
    );
    expect(() => Getter()(prototype, 'read')).not.toThrow();
    expect(() => Setter()(prototype, 'written')).not.toThrow();
  });

  it('say at compile time what is wrong, and refuse the class without the types', () => {
    expect(wrong).toThrow('Wrong.read has no `set`');
    const other: keyof FieldInputProblem<number, 'text'> = "the field's type is not what the option `input` names";
    const readonly: keyof ReadonlyProblem<Written, 'version'> =
      'nobody can write it: it is readonly, or has no set accessor';
    const isStatic: keyof StaticProblem<typeof Written> =
      'services offer what their instances have: it must not be static';
    const decorator: ServiceMethodDecorator<unknown> = Method();
    expect([other, readonly, isStatic, decorator]).toHaveLength(4);
  });
});
