import type { Readable } from 'node:stream';

/** Stops and goes on reading a call. */
export interface GatedReading {
  pause(): void;
  resume(): void;
}

/**
 * A call of grpc-js that is paused goes on reading until 16 messages wait in it,
 * which is much where they are large. This holds its wish for the next message
 * back: one is all that comes behind a pause.
 */
export function gateReading(call: Readable): GatedReading {
  const read = call._read.bind(call);
  let paused = false;
  let wanted = false;
  call._read = (size) => {
    if (paused) wanted = true;
    else read(size);
  };
  return {
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      if (!wanted) return;
      wanted = false;
      read(call.readableHighWaterMark);
    },
  };
}
