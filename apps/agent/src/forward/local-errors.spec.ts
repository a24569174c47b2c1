import { ResetCode } from '@berth/exchange';
import { localFailureOf } from './local-errors.js';

describe('what a fault of the local service is called', () => {
  const fault = (code: string, syscall?: string): Error =>
    Object.assign(new Error(`${syscall ?? ''} ${code}`), { code, syscall });

  it.each([
    ['ECONNREFUSED', 'connect'],
    ['ETIMEDOUT', 'connect'],
    ['EHOSTUNREACH', 'connect'],
    ['ENOTFOUND', 'getaddrinfo'],
    ['UND_ERR_CONNECT_TIMEOUT', undefined],
    ['ERR_SSL_WRONG_VERSION_NUMBER', undefined],
    ['EPROTO', 'write'],
  ])('unreachable: %s of %s, before a byte of the request was written', (code, syscall) => {
    expect(localFailureOf(fault(code, syscall)).code).toBe(ResetCode.localUnreachable);
  });

  it.each([
    ['ETIMEDOUT', 'read'],
    ['EHOSTUNREACH', 'read'],
    ['ENETUNREACH', 'write'],
    ['ECONNRESET', 'read'],
    ['EPIPE', 'write'],
    ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', undefined],
  ])('failed: %s of %s, on a connection that may have carried the request', (code, syscall) => {
    expect(localFailureOf(fault(code, syscall)).code).toBe(ResetCode.localFailed);
  });
});
