import protobuf from 'protobufjs';
import { protoFile } from '@berth/node-runtime';
import { decodeBatch, type FrameHandler } from '../src/batch-decoder.js';
import { encodeFrame } from '../src/frame-encoder.js';
import type { FlatHeaders, InterimHead, OpenHead, ResetCode, ResponseHead } from '@berth/exchange';

/** A frame as tests speak of it; `data` in Latin-1. */
export type ModelFrame =
  | { exchange: number; kind: 'open'; head: OpenHead }
  | { exchange: number; kind: 'head'; head: ResponseHead }
  | { exchange: number; kind: 'data'; bytes: string }
  | { exchange: number; kind: 'end'; trailers: FlatHeaders | undefined }
  | { exchange: number; kind: 'informational'; head: InterimHead }
  | { exchange: number; kind: 'reset'; code: ResetCode; message: string }
  | { exchange: number; kind: 'credit' | 'creditReturn'; bytes: number }
  | { exchange: number; kind: 'pause' | 'resume' }
  | { exchange: 0; kind: 'connection'; field: number; body: string };

/** The schema as any other implementation would load it. */
export const schema = protobuf.loadSync(protoFile('berth/tunnel/v1/tunnel.proto'));
export const BatchType = schema.lookupType('berth.tunnel.v1.Batch');
export const FrameType = schema.lookupType('berth.tunnel.v1.Frame');

export function encodeModel(frame: ModelFrame): string {
  switch (frame.kind) {
    case 'open':
      return encodeFrame.open(frame.exchange, frame.head);
    case 'head':
      return encodeFrame.head(frame.exchange, frame.head);
    case 'data':
      return encodeFrame.data(frame.exchange, frame.bytes);
    case 'end':
      return encodeFrame.end(frame.exchange, frame.trailers);
    case 'informational':
      return encodeFrame.informational(frame.exchange, frame.head);
    case 'reset':
      return encodeFrame.reset(frame.exchange, frame.code, frame.message);
    case 'credit':
      return encodeFrame.credit(frame.exchange, frame.bytes);
    case 'creditReturn':
      return encodeFrame.creditReturn(frame.exchange, frame.bytes);
    case 'pause':
    case 'resume':
      return encodeFrame.hold(frame.exchange, frame.kind === 'pause');
    case 'connection':
      return encodeFrame.connection(frame.field, Buffer.from(frame.body, 'latin1'));
  }
}

/** Our encoder's bytes for a batch of these frames. */
export function batchOf(...frames: ModelFrame[]): Buffer {
  return Buffer.from(frames.map(encodeModel).join(''), 'latin1');
}

/** What our decoder makes of a batch. */
export function decodeModel(batch: Buffer): ModelFrame[] {
  const frames: ModelFrame[] = [];
  const handler: FrameHandler = {
    onOpen: (exchange, head) => frames.push({ exchange, kind: 'open', head }),
    onHead: (exchange, head) => frames.push({ exchange, kind: 'head', head }),
    onData: (exchange, bytes) => frames.push({ exchange, kind: 'data', bytes: bytes.toString('latin1') }),
    onEnd: (exchange, trailers) => frames.push({ exchange, kind: 'end', trailers }),
    onInformational: (exchange, head) => frames.push({ exchange, kind: 'informational', head }),
    onReset: (exchange, code, message) => frames.push({ exchange, kind: 'reset', code, message }),
    onCredit: (exchange, bytes) => frames.push({ exchange, kind: 'credit', bytes }),
    onCreditReturn: (exchange, bytes) => frames.push({ exchange, kind: 'creditReturn', bytes }),
    onHold: (exchange, held) => frames.push({ exchange, kind: held ? 'pause' : 'resume' }),
    onConnectionFrame: (field, body) =>
      frames.push({ exchange: 0, kind: 'connection', field, body: body.toString('latin1') }),
  };
  decodeBatch(batch, handler);
  return frames;
}

const toBytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** A frame of an exchange as the plain object that protobufjs takes. */
export function toPlain(frame: Exclude<ModelFrame, { kind: 'connection' }>): Record<string, unknown> {
  const { exchange } = frame;
  switch (frame.kind) {
    case 'open': {
      const { kind, method, target, headers, body, service, traced } = frame.head;
      const open = {
        kind,
        method: toBytes(method),
        target: toBytes(target),
        headers: headers.map(toBytes),
        body,
        service,
        traced,
      };
      return { exchange, open };
    }
    case 'head': {
      const { status, reason, headers } = frame.head;
      return { exchange, head: { status, reason: toBytes(reason), headers: headers.map(toBytes) } };
    }
    case 'data':
      return { exchange, data: toBytes(frame.bytes) };
    case 'end':
      return { exchange, end: { trailers: (frame.trailers ?? []).map(toBytes) } };
    case 'informational':
      return { exchange, informational: { status: frame.head.status, headers: frame.head.headers.map(toBytes) } };
    case 'reset':
      return { exchange, reset: { code: frame.code, message: frame.message } };
    case 'credit':
    case 'creditReturn':
      return { exchange, [frame.kind]: { bytes: frame.bytes } };
    case 'pause':
    case 'resume':
      return { exchange, [frame.kind]: {} };
  }
}

type Plain = Record<string, Record<string, unknown> & { headers: Uint8Array[] }> & { exchange: number; kind: string };

/** What protobufjs made of a frame, as a model. */
export function fromPlain(message: protobuf.Message): ModelFrame {
  const plain = FrameType.toObject(message, { defaults: true, arrays: true, oneofs: true, longs: Number }) as Plain;
  const { exchange, kind } = plain;
  const body = plain[kind] as Plain[string];
  const headers = (): string[] => body.headers.map(toText);
  switch (kind) {
    case 'open': {
      const { method, target } = body as unknown as Record<'method' | 'target', Uint8Array>;
      const { service, traced, ...others } = body;
      const head = { ...others, method: toText(method), target: toText(target), headers: headers() };
      // protobufjs fills in what is not there.
      const more = { ...(service !== '' && { service }), ...(traced === true && { traced }) };
      return { exchange, kind, head: { ...head, ...more } as unknown as OpenHead };
    }
    case 'head': {
      const head = { status: body['status'], reason: toText(body['reason'] as Uint8Array), headers: headers() };
      return { exchange, kind, head: head as ResponseHead };
    }
    case 'data':
      return { exchange, kind, bytes: toText(body as unknown as Uint8Array) };
    case 'end': {
      const trailers = (body['trailers'] as Uint8Array[]).map(toText);
      return { exchange, kind, trailers: trailers.length > 0 ? trailers : undefined };
    }
    case 'informational':
      return { exchange, kind, head: { status: body['status'] as number, headers: headers() } };
    case 'reset':
      return { exchange, kind, code: body['code'] as ResetCode, message: body['message'] as string };
    case 'credit':
    case 'creditReturn':
      return { exchange, kind, bytes: body['bytes'] as number };
    case 'pause':
    case 'resume':
      return { exchange, kind };
    default:
      throw new Error(`no model for ${kind}`);
  }
}
