import { type Frozen, Choice, Group, Integer, MAX_HEADER_BYTES, MAX_MS } from '@berth/config';
import { registerAs } from '@nestjs/config';
import { PortTlsSettings } from '../certificates/index.js';
import { AffinitySettings } from './affinity.settings.js';
import { Http2Settings } from './http2/http2.settings.js';
import { RetrySettings } from './retry.settings.js';

export class IngressSettings {
  @Integer(1, MAX_MS, {
    description:
      "Time until the agent's response head must have come, from the last byte of the request, or from when the service was last seen to take some of it or to send an interim response; then 504.",
    live: true,
  })
  responseTimeoutMs = 120_000;

  @Integer(1, MAX_MS, {
    description: 'Time until the body of a request must have begun, unless the answer has; then 408.',
    live: true,
  })
  bodyStartTimeoutMs = 30_000;

  @Integer(0, 1_000_000_000, {
    description:
      'Bytes per second that a client must send of a body until the answer begins, and take of an answer that waits for it; 0: no such rate. Upgrades and event streams are not measured.',
    unit: 'bytes/s',
    live: true,
  })
  minRateBytesPerSecond = 100;

  @Integer(1, MAX_MS, {
    description:
      'Time over which minRateBytesPerSecond is measured; a slower body gets 408, a slower answer is broken off. Long, because clients may pause, and a socket shows what a client has taken in steps of up to 1.4 MB.',
    live: true,
  })
  rateWindowMs = 300_000;

  @Integer(1, MAX_MS, {
    description: 'Time without a byte in either direction after which an exchange is ended.',
    live: true,
  })
  idleTimeoutMs = 300_000;

  @Integer(0, MAX_MS, {
    description:
      'Time without a byte in either direction after which a connection of a TCP port is ended; 0: none, TCP keepalive finds clients that are gone.',
    live: true,
  })
  tcpIdleTimeoutMs = 0;

  @Integer(1, MAX_MS, { description: "Time until a client's request head must be there; then 408." })
  headersTimeoutMs = 30_000;

  @Integer(1, MAX_MS, {
    description:
      'Time until the PROXY header of a connection must be there, where `access.proxyProtocol` of the port has it expected; after it the connection is reset.',
    live: true,
  })
  proxyHeaderTimeoutMs = 3000;

  @Integer(1, MAX_MS, { description: 'Time that an unused client connection is kept open.' })
  keepAliveTimeoutMs = 65_000;

  @Integer(0, MAX_MS, {
    description: 'Time that a client which closed its sending half still gets its answer, before it counts as gone.',
    live: true,
  })
  halfCloseGraceMs = 500;

  @Integer(1024, MAX_HEADER_BYTES, { description: 'Size of a request head; above it, 431.' })
  maxHeaderBytes = 32_768;

  @Integer(256, MAX_HEADER_BYTES, {
    description: 'Size of a request target (path and query); above it, 414.',
    live: true,
  })
  maxTargetBytes = 16_384;

  @Integer(0, 1_000_000, {
    description:
      'Requests that wait behind others of their connections, at all ports together, beyond 16 for each connection; a client whose requests find no room is cut off. Each costs about 5 KB, and what one client can send ahead is 2,500.',
  })
  maxPipelined = 8192;

  @Integer(0, Number.MAX_SAFE_INTEGER, {
    description: 'Size of a request body; above it, 413. 0: no limit.',
    live: true,
  })
  maxBodyBytes = 0;

  @Choice(['append', 'replace', 'off'], {
    description: 'X-Forwarded-* and Forwarded: add to what the client sent, replace it, or pass it on as it came.',
    live: true,
  })
  forwardedHeaders: 'append' | 'replace' | 'off' = 'append';

  @Integer(0, 86_400, { description: 'Value of Retry-After in 503 answers.', live: true })
  retryAfterSeconds = 1;

  @Group()
  affinity = new AffinitySettings();

  @Group()
  http2 = new Http2Settings();

  @Group()
  tls = new PortTlsSettings();

  @Group()
  retry = new RetrySettings();
}

export const ingressConfig = registerAs('berth.ingress', (): Frozen<IngressSettings> => new IngressSettings());
