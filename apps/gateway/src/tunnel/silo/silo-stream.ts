import type { ServerDuplexStream } from '@grpc/grpc-js';
import { gateReading, serverTransport } from '@berth/tunnel-protocol';
import type { EdgeCall } from '../edge-call.js';
import type { SiloStream } from './silo-connection.js';

/** A call as the carrier of messages that may be large. */
export function siloStream(
  call: ServerDuplexStream<Buffer, Buffer>,
  edgeCall: Pick<EdgeCall, 'roundTrip'>,
): SiloStream {
  return {
    ...serverTransport(call),
    ...gateReading(call),
    roundTrip: (deadlineMs) => edgeCall.roundTrip(deadlineMs),
  };
}
