import {
  type BodyChunkEvent,
  type FrameType,
  plainPaths,
  type RequestHeadersEvent,
  type ResponseHeadersEvent,
  type WebSocketFrameEvent,
} from '@berth/policy-agents';

class Head {
  /** name, value, name, value …: as received */
  readonly headers: readonly string[];

  constructor(headers: readonly string[]) {
    this.headers = headers;
  }

  /** The value of a header, several joined by a comma; undefined: there is none. @param name case does not matter */
  header(name: string): string | undefined {
    const wanted = name.toLowerCase();
    let found: string | undefined;
    for (let at = 0; at + 1 < this.headers.length; at += 2) {
      if (this.headers[at]?.toLowerCase() !== wanted) continue;
      const value = this.headers[at + 1] ?? '';
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }
}

/** The head of a request, before it is sent on. */
export class PolicyRequest extends Head {
  readonly method: string;
  /** request target, as received */
  readonly uri: string;
  readonly clientIp: string;
  /** what the gateway's logs call `correlationId` where they speak of policy agents; answers have another */
  readonly requestId: string;
  #paths: readonly string[] | undefined;

  constructor(readonly event: RequestHeadersEvent) {
    super(event.headers);
    this.method = event.method;
    this.uri = event.uri;
    this.clientIp = event.metadata.clientIp;
    this.requestId = event.metadata.requestId;
  }

  /** As most services read it, whatever was sent. See {@link plainPath}. */
  get path(): string {
    return this.paths[0] ?? '/';
  }

  /** For rules that keep something out: {@link path}, and what else services may read in it. See {@link plainPaths}. */
  get paths(): readonly string[] {
    return (this.#paths ??= plainPaths(this.uri));
  }

  get query(): URLSearchParams {
    const at = this.uri.indexOf('?');
    return new URLSearchParams(at === -1 ? '' : this.uri.slice(at + 1));
  }
}

/** The head of a response, before it is sent to the client. */
export class PolicyResponse extends Head {
  readonly status: number;

  constructor(event: ResponseHeadersEvent) {
    super(event.headers);
    this.status = event.status;
  }
}

/** A part of a body. */
export class BodyChunk {
  /** may be empty in the last one */
  readonly data: Buffer;
  /** counts from 0 */
  readonly index: number;
  readonly isLast: boolean;
  /** of the whole body, bytes; undefined: its head does not say */
  readonly totalSize: number | undefined;

  constructor(event: BodyChunkEvent) {
    this.data = event.data;
    this.index = event.chunkIndex;
    this.isLast = event.isLast;
    this.totalSize = event.totalSize;
  }

  /** As UTF-8. A character may lie across two chunks: use a `StringDecoder` where that matters. */
  get text(): string {
    return this.data.toString();
  }
}

/** A message of a WebSocket. */
export class Frame {
  readonly type: FrameType;
  readonly data: Buffer;
  readonly fromClient: boolean;

  constructor(event: WebSocketFrameEvent) {
    this.type = event.frameType;
    this.data = event.payload;
    this.fromClient = event.clientToServer;
  }

  get text(): string {
    return this.data.toString();
  }
}
