import { invocation, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { AppError } from '../errors.js';
import { cutText, MAX_ERROR_TEXT_BYTES } from './error-text.js';
import { CODE_HEADER } from './invocation.js';

const LONG = 'é'.repeat(2_500_000);

@Service('Sample', { package: 'test' })
class Verbose {
  @Method({ stateless: true }) fails(): never {
    throw new Error(LONG);
  }
  @Method({ stateless: true }) refuses(): never {
    throw new AppError('LONG', LONG, { short: true });
  }
}

describe('the text of an error', () => {
  it('is whole up to 8 KiB', () => {
    for (const text of ['', 'short', 'x'.repeat(MAX_ERROR_TEXT_BYTES), 'é'.repeat(MAX_ERROR_TEXT_BYTES / 2)])
      expect(cutText(text)).toBe(text);
  });

  it.each(['x', 'é', '€', '😀', 'a😀'])('is cut between characters, with its length: %s', (character) => {
    for (const lead of ['', 'x', 'xx', 'xxx']) {
      const text = lead + character.repeat(MAX_ERROR_TEXT_BYTES + 1);
      const [kept = '', note] = cutText(text).split('…');
      expect(text.startsWith(kept)).toBe(true);
      expect(kept.isWellFormed()).toBe(true);
      const bytes = Buffer.byteLength(kept);
      expect(bytes).toBeLessThanOrEqual(MAX_ERROR_TEXT_BYTES);
      expect(bytes).toBeGreaterThan(MAX_ERROR_TEXT_BYTES - 4);
      expect(note).toBe(` (cut off, ${Buffer.byteLength(text)} bytes in all)`);
    }
  });

  it.each([
    ['fails', 'BERTH_SERVICE_METHOD_FAILED'],
    ['refuses', 'BERTH_SERVICE_REFUSED'],
  ])('of megabytes does not make the reply too large: %s', async (method, code) => {
    const reply = await testExecutor([Verbose]).executor.handle(invocation(method), 'server');
    expect(reply.headers[CODE_HEADER]).toBe(code);
    expect(reply.payload?.length).toBeLessThan(9000);
    const { error } = valueOf(reply) as { error: { message: string } };
    expect(error.message).toMatch(/^é+… \(cut off, 5000000 bytes in all\)$/);
  });
});
