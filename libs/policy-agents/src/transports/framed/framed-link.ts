import { BerthError } from '@berth/errors';
import type { AgentCapabilities, ProxyHello } from '../../capabilities.js';
import type { AgentLink, AgentMessage, ProxyLink, ProxyMessage, TooLarge, Transport } from '../../link.js';
import type { Fields } from '../../wire/fields.js';
import { MAX_FRAME_BYTES } from '../../wire/framing/frame-reader.js';
import { decodePayload, encodeFrame } from '../../wire/framing/payloads.js';
import type { Dialect } from '../../wire/shapes/dialect.js';
import { FrameType, frameTypeName } from '../../wire/shapes/frame-types.js';
import { readForAgent, shapeForAgent } from '../../wire/shapes/to-agent.js';
import { readForProxy, shapeForProxy } from '../../wire/shapes/to-proxy.js';
import { LinkBase } from '../link-base.js';
import type { FrameChannel } from './frame-channel.js';

/** A link over a channel whose handshake is done. */
abstract class FramedLink<Out, In> extends LinkBase<Out, In> {
  constructor(
    readonly transport: Transport,
    protected readonly channel: FrameChannel,
    protected readonly dialect: Dialect,
  ) {
    super(channel.remote);
  }

  /** A message that the framings cannot say is left out. */
  send(message: Out, tooLarge?: TooLarge): boolean {
    if (this.isOver) return true;
    const shape = this.shape(message);
    return shape === undefined || this.write(...shape, tooLarge);
  }

  close(): void {
    if (this.isOver) return;
    this.over(undefined);
    this.channel.close();
  }

  /** Type and payload; undefined for what cannot be said. */
  protected abstract shape(message: Out): [FrameType, Fields] | undefined;

  /** @returns undefined when frames of this type do not go this way */
  protected abstract read(type: FrameType, fields: Fields): In | undefined;

  protected write(type: FrameType, fields: Fields, tooLarge?: TooLarge): boolean {
    const frame = encodeFrame(type, fields, this.dialect.encoding);
    if (frame !== undefined) return this.channel.write(frame);
    tooLarge?.(`${MAX_FRAME_BYTES} bytes in a frame`);
    return true;
  }

  protected flow(): void {
    this.channel.open({
      frame: (type, payload) => {
        this.frame(type, payload);
      },
      drained: () => {
        this.drained();
      },
      ended: (error) => {
        this.over(error);
      },
    });
  }

  protected frame(type: FrameType, payload: Buffer): void {
    const message = decodePayload(type, payload, this.dialect.encoding, (fields) => this.read(type, fields));
    if (message === undefined) {
      throw new BerthError(
        'BERTH_PROTOCOL_ERROR',
        `a frame of type ${frameTypeName(type)}, which does not belong here`,
      );
    }
    this.deliver(message);
  }
}

/** As the proxy has it. */
export class FramedAgentLink extends FramedLink<ProxyMessage, AgentMessage> implements AgentLink {
  constructor(
    transport: Transport,
    channel: FrameChannel,
    dialect: Dialect,
    readonly capabilities: AgentCapabilities,
  ) {
    super(transport, channel, dialect);
  }

  protected shape(message: ProxyMessage): [FrameType, Fields] | undefined {
    return shapeForAgent(message, this.dialect);
  }

  protected read(type: FrameType, fields: Fields): AgentMessage | undefined {
    return readForProxy(type, fields);
  }

  /** The framings have pings in both directions; what an agent wants to know that way, it is told here. */
  protected override frame(type: FrameType, payload: Buffer): void {
    if (type !== FrameType.ping) super.frame(type, payload);
    else
      this.write(
        FrameType.pong,
        decodePayload(type, payload, this.dialect.encoding, (fields) => fields),
      );
  }
}

/** As the agent has it. */
export class FramedProxyLink extends FramedLink<AgentMessage, ProxyMessage> implements ProxyLink {
  constructor(
    transport: Transport,
    channel: FrameChannel,
    dialect: Dialect,
    readonly hello: ProxyHello,
  ) {
    super(transport, channel, dialect);
  }

  protected shape(message: AgentMessage): [FrameType, Fields] | undefined {
    return shapeForProxy(message, this.dialect);
  }

  protected read(type: FrameType, fields: Fields): ProxyMessage | undefined {
    return readForAgent(type, fields);
  }
}
