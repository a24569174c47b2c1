import { Type } from 'class-transformer';
import { IsDate, IsInt, IsOptional, IsString } from 'class-validator';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import type { CallContext } from '../invocation/call-context.js';
import { Method } from './method-decorators.js';
import { Service } from './service-decorator.js';
import type { InputProblem, SignatureProblem } from './signature.js';

type Speed = 'fast' | 'slow';

class Plan {
  @IsDate() @Type(() => Date) from!: Date;
  @IsOptional() @IsDate() @Type(() => Date) until?: Date;
  @IsString() title!: string;
}

class Deep {
  @IsInt() amount!: number;
  inner!: { readonly at: Date };
}

class Tags {
  @IsInt() amount!: number;
  names!: Map<string, string>;
}

@Service('Sample', { package: 'test' })
class Named {
  @Method({ stateless: true, input: 'number' }) next(by = 1): number {
    return by + 1;
  }
  @Method({ stateless: true, input: 'boolean' }) not(value = true): boolean {
    return !value;
  }
  @Method({ stateless: true, input: 'text' }) drive(speed: Speed): string {
    return `drives ${speed}`;
  }
  @Method({ input: 'text' }) either(value: string | number): unknown {
    return value;
  }
  @Method({ input: 'bytes' }) buffer(value: Buffer): number {
    return value.length;
  }
  @Method({ input: 'bytes' }) ownBytes(value?: Uint8Array<ArrayBuffer>): number {
    return value?.length ?? 0;
  }
  @Method({ input: 'json' }) quoted(value: string): string {
    return value;
  }
  @Method({ input: 'json' }) contextOnly(_: undefined, { method }: CallContext): string {
    return method;
  }
  @Method({ stateless: true, input: Plan }) days({ from, until }: Plan): number {
    return until === undefined ? 1 : (until.getTime() - from.getTime()) / 86_400_000;
  }
}

/* What is wrong: each @ts-expect-error fails the type check once the signature is accepted. */
class Wrong {
  // @ts-expect-error a text is no number
  @Method({ input: 'text' }) text(value: number): number {
    return value;
  }
  // @ts-expect-error a text is more than this one number
  @Method({ input: 'text' }) mixed(value: Speed | 5): unknown {
    return value;
  }
  // @ts-expect-error there is no input to put it into
  @Method({ input: 'text' }) nowhere(_: undefined, { method }: CallContext): string {
    return method;
  }
  // @ts-expect-error JSON has no bytes
  @Method({ input: 'json' }) json(value: Uint8Array): number {
    return value.length;
  }
  // @ts-expect-error bytes are no string
  @Method({ input: 'bytes' }) bytes(value: string): string {
    return value;
  }
  // @ts-expect-error inferred types count too
  @Method({ input: 'number' }) number(value = 'a'): string {
    return value;
  }
  // @ts-expect-error a boolean is no number
  @Method({ input: 'boolean' }) boolean(value: number): number {
    return value;
  }
  // @ts-expect-error nobody makes the Dates of a DTO that the option does not name
  @Method() unnamed(value: Plan): string {
    return value.title;
  }
  // @ts-expect-error Dates further inside are not looked at
  @Method({ input: Deep }) deep(value: Deep): number {
    return value.amount;
  }
  // @ts-expect-error only Dates are made
  @Method({ input: Tags }) tags(value: Tags): number {
    return value.amount;
  }
  // @ts-expect-error a result is never made again
  @Method({ input: Plan }) result(value: Plan): Date {
    return value.from;
  }
}

describe('the option input of @Method (B16)', () => {
  const { call } = testExecutor([Named]);
  const calls = async (method: string, payload?: Uint8Array): Promise<unknown> =>
    valueOf(await call(method, payload === undefined ? {} : { payload }));
  const refusal = (what: string) => ({ error: { code: 'BERTH_SERVICE_BAD_PAYLOAD', message: what } });

  it('checks what an inferred type leaves unseen', async () => {
    expect(await calls('next', json(4))).toBe(5);
    expect(await calls('next')).toBe(2);
    expect(await calls('next', json('abc'))).toMatchObject(refusal('the payload cannot be read: it must be a number'));
    expect(await calls('not', json(false))).toBe(true);
    expect(await calls('not', json(0))).toMatchObject(refusal('the payload cannot be read: it must be a boolean'));
    expect(await calls('drive', Buffer.from('slow'))).toBe('drives slow');
  });

  it('gives a method the Dates that its DTO class asks for', async () => {
    const [from, until] = [new Date(0), new Date(2 * 86_400_000)];
    expect(await calls('days', json({ from, title: 'a' }))).toBe(1);
    expect(await calls('days', json({ from, until, title: 'a' }))).toBe(2);
    const { payload, ...rest } = invocation('days', { payload: json({ from: 'soon', title: 'a' }) });
    expect(await calls(rest.method, payload)).toMatchObject(
      refusal('the payload is not valid: from must be a Date instance'),
    );
  });

  it('is a DTO class that makes its Dates', () => {
    class Untransformed {
      @IsDate() at!: Date;
    }
    const declare = (): unknown => {
      class Bad {
        @Method({ input: Untransformed }) run(value: Untransformed): string {
          return value.at.toISOString();
        }
      }
      return Bad;
    };
    expect(declare).toThrow('Bad.run: Untransformed.at is a Date, and JSON has text: add @Type(() => Date)');
  });

  it('says at compile time what is wrong', () => {
    const otherInput: keyof InputProblem<Wrong['text'], 'text'> =
      "the method's input is not what the option `input` names";
    const unnamedDate: keyof SignatureProblem<Wrong['unnamed']> =
      'a Date in the input needs its DTO class in the option `input`, and @Type(() => Date)';
    const noJson: keyof SignatureProblem<Wrong['tags'], Tags> = 'the input must be JSON, a string or bytes';
    expect([Wrong.name, otherInput, unnamedDate, noJson]).toHaveLength(4);
  });
});
