import { createServer, type Socket } from 'node:net';
import { request } from 'undici';
import { ResetCode } from '@berth/exchange';
import { listening } from '@berth/testing';
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

  it.each<[what: string, answer: (socket: Socket) => unknown, reason: RegExp]>([
    ['speaks TLS', (socket) => socket.destroy(), /^it closed the connection .* https:\/\/$/],
    ['ends without an answer', (socket) => socket.end(), /^it closed the connection .* https:\/\/$/],
    ['speaks raw TCP', (socket) => socket.end('SSH-2.0-x\r\n'), /not HTTP\/1: .* tcp:\/\/ or h2c:\/\/$/],
  ])('a service that %s: what its target may have to be', async (_, answer, reason) => {
    const server = createServer((socket) => {
      socket.once('data', () => answer(socket)).on('error', () => undefined);
    });
    await using service = await listening(server);
    const thrown: unknown = await request(`http://127.0.0.1:${service.port}/`).catch((error: unknown) => error);
    expect(localFailureOf(thrown as Error)).toEqual({
      code: ResetCode.localFailed,
      reason: expect.stringMatching(reason) as string,
    });
  });
});
