/** First byte of a frame's content: what the rest is. */
export const FrameType = {
  handshakeRequest: 0x01,
  handshakeResponse: 0x02,
  requestHeaders: 0x10,
  requestBody: 0x11,
  responseHeaders: 0x12,
  responseBody: 0x13,
  requestComplete: 0x14,
  webSocketFrame: 0x15,
  guardrail: 0x16,
  configure: 0x17,
  answer: 0x20,
  health: 0x30,
  metrics: 0x31,
  /** an agent's update, and (only where both are Berth) the proxy's reply to it */
  configUpdate: 0x32,
  flow: 0x33,
  /** only where both are Berth */
  log: 0x34,
  cancel: 0x40,
  ping: 0x41,
  pong: 0x42,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

const KNOWN: ReadonlySet<number> = new Set(Object.values(FrameType));

export function isFrameType(byte: number): byte is FrameType {
  return KNOWN.has(byte);
}

/** Such as 0x1f. */
export function frameTypeName(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
