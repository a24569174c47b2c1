import { Metadata, status } from '@grpc/grpc-js';
import { ERROR_CODE_METADATA } from '@berth/tunnel-protocol';
import { whyItEnded } from './outage.js';

/** test/outages.spec.ts has those that can be had over sockets. */
describe('whyItEnded', () => {
  const DIAL = { gateway: 'gw.test:9090', tls: { enabled: true, certFile: '' }, nameOf: (path: string) => path };
  const why = (details: string, code = status.UNAVAILABLE, metadata = new Metadata()): string =>
    whyItEnded({ code, details, metadata }, DIAL);

  it.each([
    ['connect ETIMEDOUT 192.0.2.1:9090', 'cannot be reached'],
    ['connect EHOSTUNREACH 192.0.2.1:9090', 'cannot be reached'],
    ['Last error: Error: certificate has expired. Resolution note: ', 'out of date'],
    ['Last error: Error: certificate is not yet valid. Resolution note: ', 'out of date'],
    ['Last error: Error: self-signed certificate in certificate chain. Resolution note: ', 'not trusted'],
    ['Last error: Error: unable to get local issuer certificate. Resolution note: ', 'not trusted'],
    ['SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:../x.c:1: SSL alert number 70', 'too old'],
    ['SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:../x.c:1: SSL alert number 48', 'client certificate'],
    ['Connection dropped', 'the connection to gw.test:9090 broke'],
    ['read ECONNRESET', 'the connection to gw.test:9090 broke'],
    ['something that grpc-js will say one day', 'the connection to gw.test:9090 failed (gRPC status 14;'],
  ])('%s', (details, expected) => {
    expect(why(details)).toContain(expected);
  });

  it('leaves what the gateway says itself as it is', () => {
    const metadata = new Metadata();
    metadata.set(ERROR_CODE_METADATA, 'BERTH_PROTOCOL_ERROR');
    expect(why('an ECONNREFUSED of its own', status.INVALID_ARGUMENT, metadata)).toBe('an ECONNREFUSED of its own');
    expect(why('', status.OK)).toBe('the gateway ended the connection');
  });
});
