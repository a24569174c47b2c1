import type { EventKind, FrameType, GuardrailContent } from '../events.js';

/** As gRPC counts events. The framings have configure at 0 in what proxies read, and at 8 in what agents write. */
const EVENTS: readonly EventKind[] = [
  'configure',
  'requestHeaders',
  'requestBody',
  'responseHeaders',
  'responseBody',
  'requestComplete',
  'webSocketFrame',
  'guardrail',
];
const CONFIGURE = 8;

export function eventNumber(kind: EventKind): number {
  return kind === 'configure' ? CONFIGURE : EVENTS.indexOf(kind);
}

/** undefined: nobody knows it */
export function eventOf(number: unknown): EventKind | undefined {
  return number === CONFIGURE ? 'configure' : EVENTS[number as number];
}

export const FRAME_TYPES: readonly FrameType[] = ['text', 'binary', 'ping', 'pong', 'close'];
export const GUARDRAIL_CONTENTS: readonly GuardrailContent[] = [
  'prompt',
  'response',
  'system',
  'toolCall',
  'toolResult',
];
export const SHUTDOWN_REASONS = ['graceful', 'immediate', 'configReload', 'upgrade'] as const;

/**
 * The word that has a number of the wire.
 *
 * @param from number of the first word
 * @throws Error for a number without a word
 */
export function wordOf<W extends string>(words: readonly W[], number: number, what: string, from = 1): W {
  const word = words[number - from];
  if (word === undefined) throw new Error(`${what} ${number} is unknown`);
  return word;
}

/** @param from number of the first word */
export function numberOf<W extends string>(words: readonly W[], word: W, from = 1): number {
  return words.indexOf(word) + from;
}
