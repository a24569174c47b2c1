/** One end of a WebSocket does what it must not, or more than it may: both are told, with a close. */
export class WebSocketFault extends Error {
  override readonly name = 'WebSocketFault';

  /** @param code of the close (RFC 6455 section 7.4.1) */
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }

  static tooLarge(maxBytes: number): WebSocketFault {
    return new WebSocketFault(1009, `a message of more than ${maxBytes} bytes`);
  }
}
