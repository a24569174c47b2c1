import { decodeBatch, type FrameHandler } from '../src/batch-decoder.js';
import { MAX_BATCH_BYTES, MAX_DATA_BYTES } from '../src/frames.js';

/** Data that may travel among control frames; see outbox.ts. */
const INLINE_BYTES = 2048;

interface Sender {
  head: boolean;
  ended: boolean;
  reset: boolean;
  /** sent, or given back */
  dataBytes: number;
}

/**
 * Keeps its own books on what both sides put on the wire, and throws at the
 * first frame that breaks a rule of docs/protocol.md.
 */
export class WireAudit {
  private readonly senders = new Map<string, Sender>();
  private readonly granted = new Map<string, number>();
  readonly kinds = new Map<number, number>();
  largestBatch = 0;
  /** CreditReturn frames so far */
  returns = 0;

  constructor(private readonly startWindow: { gateway: number; agent: number }) {}

  /** Judges a batch in the moment it is sent. */
  sent(by: 'gateway' | 'agent', batch: Buffer): void {
    let frames = 0;
    let dataStarted = false;
    const control = (): void => {
      frames += 1;
      if (dataStarted) throw new Error('a control frame behind Data');
    };
    const handler: FrameHandler = {
      onOpen: (exchange, head) => {
        control();
        if (by !== 'gateway' || this.kinds.has(exchange)) throw new Error(`bad Open ${exchange}`);
        this.kinds.set(exchange, head.kind);
        if (!head.body) this.sender(by, exchange).ended = true;
      },
      onHead: (exchange) => {
        control();
        const sender = this.sender(by, exchange);
        if (by !== 'agent' || sender.head) throw new Error(`bad Head ${exchange}`);
        sender.head = true;
      },
      onInformational: (exchange) => {
        control();
        if (this.sender(by, exchange).head) throw new Error(`Informational after Head ${exchange}`);
      },
      onData: (exchange, bytes) => {
        frames += 1;
        if (bytes.length > INLINE_BYTES) dataStarted = true;
        this.data(by, exchange, bytes.length);
      },
      onEnd: (exchange) => {
        frames += 1;
        const sender = this.body(by, exchange);
        sender.ended = true;
      },
      onReset: (exchange) => {
        control();
        this.sender(by, exchange).reset = true;
      },
      onCredit: (exchange, bytes) => {
        control();
        this.sender(by, exchange);
        const key = `${by} ${exchange}`;
        this.granted.set(key, (this.granted.get(key) ?? 0) + bytes);
      },
      onCreditReturn: (exchange, bytes) => {
        control();
        this.body(by, exchange).dataBytes += bytes;
        this.judgeCredit(by, exchange);
        this.returns += 1;
      },
      onHold: control,
      onConnectionFrame: control,
    };
    decodeBatch(batch, handler);
    this.largestBatch = Math.max(this.largestBatch, batch.length);
    if (batch.length > MAX_BATCH_BYTES && frames > 1) throw new Error(`${frames} frames in ${batch.length} bytes`);
  }

  private data(by: 'gateway' | 'agent', exchange: number, length: number): void {
    if (length < 1 || length > MAX_DATA_BYTES) throw new Error(`Data of ${length} bytes`);
    const sender = this.body(by, exchange);
    sender.dataBytes += length;
    this.judgeCredit(by, exchange);
  }

  private judgeCredit(by: 'gateway' | 'agent', exchange: number): void {
    const sender = this.sender(by, exchange);
    const receiver = by === 'gateway' ? 'agent' : 'gateway';
    const allowed = this.startWindow[receiver] + (this.granted.get(`${receiver} ${exchange}`) ?? 0);
    if (sender.dataBytes > allowed) throw new Error(`${sender.dataBytes} bytes on a credit of ${allowed}`);
  }

  /** The sender of a frame that belongs to a body. */
  private body(by: 'gateway' | 'agent', exchange: number): Sender {
    const sender = this.sender(by, exchange);
    if (sender.ended) throw new Error(`a body goes on after its End: ${exchange}`);
    if (by === 'agent' && !sender.head && this.kinds.get(exchange) !== 2) throw new Error(`no Head yet: ${exchange}`);
    return sender;
  }

  private sender(by: 'gateway' | 'agent', exchange: number): Sender {
    const key = `${by} ${exchange}`;
    let sender = this.senders.get(key);
    if (!this.kinds.has(exchange)) throw new Error(`frame before Open: ${exchange}`);
    if (sender === undefined) {
      sender = { head: false, ended: false, reset: false, dataBytes: 0 };
      this.senders.set(key, sender);
    }
    if (sender.reset) throw new Error(`frame after Reset: ${exchange}`);
    return sender;
  }
}
