import { AppError } from '../errors.js';
import { Method } from './method-decorators.js';
import { Service } from './service-decorator.js';
import { definitionOf } from './service-definition.js';

interface Note {
  readonly name: string;
  readonly message: string;
}

/* Each @ts-expect-error fails the type check once the signature is accepted. */
@Service('Faults', { package: 'types' })
class Faults {
  // @ts-expect-error an Error becomes {} in JSON
  @Method() last(): Error {
    return new Error('kept');
  }
  // @ts-expect-error nor does a list of them arrive
  @Method() all(): Promise<{ readonly failures: readonly AppError[] }> {
    return Promise.resolve({ failures: [new AppError('A', 'a')] });
  }
  // @ts-expect-error a union has one in it
  @Method() perhaps(): string | RangeError {
    return new RangeError('out');
  }
  @Method() note(note: Note): Note {
    return note;
  }
}

describe('the types of what JSON loses', () => {
  it('name errors, and not what only looks like one', () => {
    expect([...(definitionOf(Faults)?.methods.keys() ?? [])]).toEqual(['last', 'all', 'perhaps', 'note']);
  });
});
