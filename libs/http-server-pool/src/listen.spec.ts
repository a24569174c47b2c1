import { createServer } from 'node:net';
import { isAddressFault, listen, listenFault } from './listen.js';

const PATIENCE = { attempts: 1, delayMs: 1, signal: new AbortController().signal };

describe('why a server does not listen', () => {
  it('is said in words, with the code of the system', async () => {
    // An address for documentation (RFC 5737), which no machine has.
    const failed = listen(createServer(), { host: '192.0.2.1', port: 0 }, PATIENCE);
    await expect(failed).rejects.toThrow(
      'cannot listen on 192.0.2.1:0: this machine has no such address (EADDRNOTAVAIL)',
    );
    await expect(failed.catch(isAddressFault)).resolves.toBe(true);
  });

  it.each([
    ['EADDRINUSE', /^something else listens there: .* \(EADDRINUSE\)$/],
    ['EACCES', /choose one above 1023.* \(EACCES\)$/],
    ['ENOTFOUND', /^no such name is known \(ENOTFOUND\)$/],
    ['EMFILE', /ulimit -n.* \(EMFILE\)$/],
  ])('%s, as a code or in a text around it', (code, words) => {
    expect(listenFault(Object.assign(new Error('x'), { code }))).toMatch(words);
    expect(listenFault(new Error(`No address added out of total 1 resolved errors: [listen ${code}: x]`))).toMatch(
      words,
    );
  });

  it('is what the error says where nothing is known of it', () => {
    expect(listenFault(new Error('the server was stopped'))).toBe('the server was stopped');
    expect(isAddressFault(new Error('x', { cause: Object.assign(new Error('y'), { code: 'EADDRINUSE' }) }))).toBe(
      false,
    );
    expect(isAddressFault('x')).toBe(false);
  });
});
