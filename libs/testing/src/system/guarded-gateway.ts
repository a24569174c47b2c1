import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectH2,
  type IncomingHttpHeaders,
} from 'node:http2';
import { type GatewaySettings, type LifecycleEventMap, LifecycleEvents } from 'berth-gateway';
import type { DeepPartial } from '@berth/config';
import { TUNNEL_METHOD_PATH } from '@berth/tunnel-protocol';
import { disposable } from '../disposable.js';
import { type TestGateway, testGateway } from './harness.js';
import { type LogLines, logLines } from './log-lines.js';

/** The token that a guarded gateway asks for. */
export const GUARD_TOKEN = 'the-token';

/** Gateways that ask for a token, with what the last of them told of those who have none. */
export interface Guarded {
  /** of the levels from warn */
  readonly log: LogLines;
  readonly failures: readonly LifecycleEventMap['handshake.failed'][0][];
  readonly start: (tunnel?: DeepPartial<GatewaySettings['tunnel']>) => Promise<TestGateway>;
}

export function guardedGateway(): Guarded {
  const log = logLines('warn');
  const failures: LifecycleEventMap['handshake.failed'][0][] = [];
  const start = async (tunnel: DeepPartial<GatewaySettings['tunnel']> = {}): Promise<TestGateway> => {
    log.lines.length = 0;
    failures.length = 0;
    const gateway = await testGateway({ auth: { token: GUARD_TOKEN }, tunnel }, 4, log.log);
    gateway.app.get(LifecycleEvents).on('handshake.failed', (failure) => void failures.push(failure));
    return gateway;
  };
  return { log, failures, start };
}

/** A client of the gRPC port that keeps to HTTP/2 and to nothing else. */
export function h2Session(gateway: TestGateway): ClientHttp2Session & AsyncDisposable {
  return disposable(connectH2(`http://127.0.0.1:${gateway.grpcPort}`), (it) => {
    it.destroy();
  });
}

/** A call of the tunnel that is never half-closed, and the status it ended with. */
export function openCall(
  session: ClientHttp2Session,
  headers: object = {},
): { stream: ClientHttp2Stream; status: string[] } {
  const stream = session.request({
    ':method': 'POST',
    ':path': TUNNEL_METHOD_PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  const status: string[] = [];
  const look = (received: IncomingHttpHeaders): void => {
    const { 'grpc-status': code, 'grpc-message': message } = received;
    if (code !== undefined) status.push(`${String(code)} ${String(message)}`);
  };
  stream.on('response', look).on('trailers', look).resume();
  return { stream, status };
}
