/** RFC 9113 section 7, by number. */
const NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The name of an error code of HTTP/2, for people; a number where it has none. */
export function h2CodeName(code: number): string {
  return NAMES[code] ?? `error ${code}`;
}

/** What a stream is closed with that nobody wants any more. */
export const H2_CANCEL = 8;

/** An error with a code by which its kind is known (`local-errors.ts`). */
export function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
