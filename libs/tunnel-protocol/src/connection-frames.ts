import { BerthError } from '@berth/errors';
import { decodeControl } from './control-messages.js';
import { encodeFrame, FrameField } from './frame-encoder.js';
import type { SessionEvents, SessionOptions } from './session-types.js';

/** A fault of the peer, which ends its connection. */
export function violation(what: string): BerthError {
  return new BerthError('BERTH_PROTOCOL_ERROR', what);
}

/** Judges and hands on the frames that concern the connection as a whole. */
export class ConnectionFrames {
  /** Hello or Welcome has come, which each connection has once */
  private greeted = false;

  /** @param answer queues a frame for the peer */
  constructor(
    private readonly role: SessionOptions['role'],
    private readonly events: SessionEvents,
    private readonly answer: (frame: string) => void,
  ) {}

  /**
   * @param field number of the frame kind in `Frame`
   * @param body its protobuf message
   * @throws BerthError `BERTH_PROTOCOL_ERROR`
   */
  take(field: number, body: Buffer): void {
    const { events } = this;
    if (this.role === 'gateway' && !this.greeted && field !== FrameField.hello) {
      throw violation(`frame ${field} before Hello`);
    }
    switch (field) {
      case FrameField.ping:
        read('ping', body);
        // The same bytes: a 64-bit number need not survive a trip through a JavaScript one.
        this.answer(encodeFrame.connection(FrameField.pong, body));
        return;
      case FrameField.pong: {
        const pong = read('pong', body);
        events.pong?.(pong.sequence);
        return;
      }
      case FrameField.goaway: {
        const goaway = read('goaway', body);
        events.goaway?.(goaway);
        return;
      }
      case FrameField.hello: {
        this.greet('gateway', 'Hello');
        const hello = read('hello', body);
        events.hello?.(hello);
        return;
      }
      case FrameField.welcome: {
        this.greet('agent', 'Welcome');
        const welcome = read('welcome', body);
        events.welcome?.(welcome);
        return;
      }
      case FrameField.refused: {
        // Also after Welcome: a registration may fall through at its very end.
        if (this.role !== 'agent') throw violation('Refused from the wrong side');
        const refused = read('refused', body);
        events.refused?.(refused);
        return;
      }
      case FrameField.configPush: {
        if (this.role !== 'agent') throw violation('ConfigPush from the wrong side');
        const push = read('configPush', body);
        events.configPush?.(push);
        return;
      }
      case FrameField.servicesReply: {
        if (this.role !== 'agent') throw violation('ServicesReply from the wrong side');
        const reply = read('servicesReply', body);
        events.servicesReply?.(reply);
        return;
      }
      default:
        if (field > FrameField.servicesReply) throw violation(`unknown frame ${field}`);
        if (this.role !== 'gateway') throw violation(`frame ${field} from the wrong side`);
        this.takeOfAgent(field, body);
    }
  }

  /** What agents send that have the abilities for it. */
  private takeOfAgent(field: number, body: Buffer): void {
    const { events } = this;
    switch (field) {
      case FrameField.health: {
        const health = read('health', body);
        events.health?.(health);
        return;
      }
      case FrameField.pause:
        events.pause?.();
        return;
      case FrameField.resume:
        events.resume?.();
        return;
      case FrameField.capacity: {
        const { maxExchanges } = read('capacity', body);
        events.capacity?.(maxExchanges);
        return;
      }
      case FrameField.metricsReport:
        events.metricsReport?.(() => read('metricsReport', body));
        return;
      case FrameField.configAck: {
        const ack = read('configAck', body);
        events.configAck?.(ack);
        return;
      }
      case FrameField.services: {
        const list = read('services', body);
        events.services?.(list);
        return;
      }
    }
  }

  private greet(by: SessionOptions['role'], frame: string): void {
    if (this.role !== by) throw violation(`${frame} from the wrong side`);
    if (this.greeted) throw violation(`${frame} after the handshake`);
    this.greeted = true;
  }
}

function read<K extends Parameters<typeof decodeControl>[0]>(
  kind: K,
  body: Buffer,
): ReturnType<typeof decodeControl<K>> {
  try {
    return decodeControl(kind, body);
  } catch (thrown) {
    throw new BerthError('BERTH_PROTOCOL_ERROR', `malformed ${kind}`, { cause: thrown });
  }
}
